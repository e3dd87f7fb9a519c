"""docs/troubleshooting.md quotes emolit: each sentence in quotation marks stands in the code."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
QUOTE = re.compile(r'"([^"]+)"')


def said(path):
    """Yield what a module may say, with … for what it fills in."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = node.values
            yield "".join(part.value if isinstance(part, ast.Constant) else "…" for part in parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


SENTENCES = [text for path in sorted((ROOT / "emolit").rglob("*.py")) for text in said(path)]


def is_said(quote):
    """Tell whether one string of the code holds the pieces of a quote, in this order."""
    pieces = [piece for piece in quote.split("…") if piece.strip()]
    pattern = re.compile(".*".join(re.escape(piece) for piece in pieces), flags=re.DOTALL)
    return any(pattern.search(text) for text in SENTENCES)


def test_each_quoted_sentence_stands_in_the_code():
    quotes = QUOTE.findall(PAGE)
    assert len(quotes) > 25
    assert [quote for quote in quotes if not is_said(quote)] == []


def test_a_sentence_that_nobody_says_is_noticed():
    assert is_said("holds a run already:")
    assert not is_said("holds a run … by somebody else")


def test_there_are_symptoms_enough():
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and line.count("|") == 4]
    assert len(rows) - PAGE.count("| you see |") >= 15
