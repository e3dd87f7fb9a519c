"""Hostile texts: a short piece again and again, alone or inside of what a reader looks for."""

from collections.abc import Iterator
from random import Random

PIECES = (
    "<think>", "</think>", "<answer>", "</answer>", "<answer>a", "<", ">", "</a>", "<a",
    "[", "]", "(", ")", "{", "}", "（", "[a", "[over/]", "[/over", "array([", "set(",
    "'", '"', "’", "“", "' ", '" ', "'a' ", "'a', ", '"a",', "\\", "\\'", "'\\",
    ",", ", ", ";", "、", "，", "。", ".", "!", ":", "/", "/ ", "|", "&", "+ ", "_", "-", "*", "•",
    " ", "\t", "\n", "\r", "\n ", "\u3000", "\u200b", "\0", "\u2028",
    "a", "A", "a ", "a-", "ab ", "ly", "1", "0", "1 ", "1.", "1. ", "1) ", "-1 ", "7/10 ", "1e",
    "sad", "sad ", "sad, ", "sad and ", "sad/", "and ", " and", " or ", "or", "not ", "n't ",
    "not a ", "not sad ", "tie ", "first reply ", "first ", "out of ", "unhappily ", "let down ",
    "悲", "悲伤", "悲伤 ", "不", "没有", "不是", "和", "以及", "很悲伤，", "ア", "가",
    "é", "e\u0301", "ß", "İ", "😀", "\ud800", "\ufffd", "```", "```json ", "null", "nan,", "a,b\n",
)  # fmt: skip
"""What is repeated."""
FRAMES = (
    ("", ""), ("<think>a", ""), ("<think>", "</think><answer>sad</answer>"),
    ("<think>x</think><answer>", "</answer>"), ("<answer>", "</answer>"), ("<answer>a", ""),
    ("[", "]"), ("['", "']"), ("a", "a"), ("not", "sad"), ("sad ", "!"), ("悲", ""),
)  # fmt: skip
"""What stands before and behind."""


def repeated(size: int, frames: tuple[tuple[str, str], ...] = FRAMES) -> Iterator[tuple[str, str]]:
    """Yield what describes a text, and the text.

    Args:
        size: Bytes in UTF-8, about.
        frames: What stands before and behind.
    """
    for before, behind in frames:
        for piece in PIECES:
            count = size // len(piece.encode("utf-8", "surrogatepass"))
            yield f"{before!r} + {piece!r} * {count} + {behind!r}", before + piece * count + behind


def drawn(draw: Random, longest: int) -> str:
    """Return a text of random pieces and characters.

    Args:
        draw: Decides.
        longest: Pieces at most.
    """
    ends = [end for frame in FRAMES for end in frame]
    return "".join(
        draw.choice((draw.choice(PIECES), draw.choice(ends), chr(draw.randrange(0x110000))))
        for _ in range(draw.randrange(longest + 1))
    )
