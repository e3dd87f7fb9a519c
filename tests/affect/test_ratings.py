"""Numbers in replies: what is written is read back, and nothing else."""

import pytest

from emolit.affect.ratings import read_ratings, values_of, write_ratings

NAMES = ("valence", "arousal")


@pytest.mark.parametrize(
    "text",
    ["valence 3.5, arousal 2", "Arousal: 2.0,valence = 3.50", " VALENCE 3.5 ,\narousal +2 "],
)
def test_order_case_and_signs_between_are_forgiven(text):
    assert values_of(read_ratings(text, NAMES)) == {"valence": 3.5, "arousal": 2.0}


@pytest.mark.parametrize(
    "text",
    [
        "valence 3.5", "valence 3.5, arousal", "valence 3.5, arousal two", "3.5, 2", "",
        "valence 3, valence 4, arousal 2", "valence 3, arousal 2, dominance 1",
        "valence 3 arousal 2", "valence 3-4, arousal 2", "valence nan, arousal 2",
    ],
)  # fmt: skip
def test_what_lacks_a_number_or_has_another_is_unreadable(text):
    assert read_ratings(text, NAMES) is None


@pytest.mark.parametrize("values", [(1.0, 5.0), (2.34567, -0.5), (3, 0.125)])
def test_what_is_written_is_read_to_two_decimals(values):
    told = values_of(read_ratings(write_ratings(dict(zip(NAMES, values, strict=True))), NAMES))
    assert [*told.values()] == pytest.approx([*values], abs=0.0051)


def test_words_and_captions_hold_no_numbers():
    assert values_of(("sad", "tired")) == values_of("valence 3") == {}
