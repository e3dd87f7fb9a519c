"""Scores for people: tables on the terminal, cards, files."""
