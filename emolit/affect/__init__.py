"""Emotions as data: label sets, wheels, similarities, words and what they stand for."""
