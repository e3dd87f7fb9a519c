"""Lexicons for tests: a toy, and the released tables."""

from pathlib import Path

from emolit.affect.lexicon import Lexicon, Neutral, Row
from emolit.affect.released_tables import ReleasedTables, Version

TOY: dict[str, Row] = {
    "happy": ("joy", "glad", "good", "fine"),
    "joyful": ("joy", "merry", "good", "fine"),
    "sad": ("sorrow", "low", "bad", "bad"),
    "angry": ("anger", "cross", "bad", "bad"),
    "lost": ("sorrow", "alone", None, None),
    "高兴": ("joy", "glad", "good", "fine"),
    "very happy": ("joy", "glad", "good", "fine"),
}


class Toy(Lexicon):
    """Two wheels: ``fine`` tells joy, sorrow and anger apart, ``coarse`` good and bad."""

    wheels = ("fine", "coarse")
    longest = 2

    def __init__(self, neutral: Neutral = "own") -> None:
        super().__init__(neutral)

    @property
    def tag(self) -> str:
        return "toy"

    def find(self, word: str) -> Row | None:
        return TOY.get(word)

    def names(self, column: int) -> frozenset[str]:
        return frozenset(row[column] for row in TOY.values() if row[column])


def released(shared: Path, version: Version, strict: bool = False) -> ReleasedTables:
    """The released tables, by default as the release groups them."""
    reference = shared / "reference"
    forms = None if version == "2025" else str(reference / "emotion_wheel_mer2026/format.csv")
    neutral: Neutral = "own" if strict else "unknown"
    return ReleasedTables(str(reference / "emotion_wheel"), version, forms, strict, neutral)
