"""Groups of words and overlaps of sets: tables by hand, and invariants."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolit.affect.lexicon import groups, match, ring_maps
from emolit.errors import ConfigError
from tests.lexicons import TOY, Toy


@pytest.mark.parametrize(
    ("neutral", "row"),
    [("own", ("neutral",) * 4), ("drop", (None,) * 4), ("unknown", None)],
)
@pytest.mark.parametrize("word", ["neutral", " Neutral", "中性"])
def test_the_neutral_rule_says_what_neutral_is(neutral, row, word):
    assert Toy(neutral).row(word) == row


@pytest.mark.parametrize("word", ["happy", "HAPPY ", "\thappy"])
def test_case_and_blanks_are_forgiven(word):
    assert Toy().row(word) == TOY["happy"]


@pytest.mark.parametrize("word", ["happy.", "happpy", "", "happy sad"])
def test_other_words_are_unknown(word):
    assert Toy().row(word) is None
    assert Toy().group(word, "fine") is None


def test_words_are_told_apart_without_case_and_unknown_ones_are_counted_once():
    rows, unknown = Toy().rows(["Happy", "happy ", "xyzzy", "XYZZY", "lost", "neutral"])
    assert (len(rows), unknown) == (3, 1)
    assert groups(rows, 0) == {"joy", "sorrow", "neutral"}
    assert groups(rows, 2) == {"good", "neutral"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("She is VERY  happy? No: very happy, then sad.", ("happy", "very happy", "sad")),
        ("他不高兴", ("高兴",)),
        ("unhappy, sadness, happy-go-lucky", ("happy",)),
        ("<think>lost</think>", ("lost",)),
        ("nothing to hear", ()),
        ("", ()),
    ],
)
def test_emotion_words_are_spotted_in_running_text_the_longest_first(text, words):
    assert Toy().find_words(text) == words


@pytest.mark.parametrize(("neutral", "words"), [("own", ("neutral",)), ("unknown", ())])
def test_neutral_is_spotted_where_it_is_known(neutral, words):
    assert Toy(neutral).find_words("A neutral voice.") == words


@pytest.mark.parametrize(
    ("wheels", "ring", "places"),
    [(None, 1, (0, 2)), (None, 2, (1, 3)), (("coarse",), 2, (3,)), (["coarse", "fine"], 1, (2, 0))],
)
def test_columns_go_wheel_by_wheel(wheels, ring, places):
    assert Toy().places(wheels, ring) == places
    assert Toy().columns == ("fine/1", "fine/2", "coarse/1", "coarse/2")


@pytest.mark.parametrize(
    ("wheels", "ring"), [(["round"], 1), ([], 1), (None, 3), (["fine", "fine"], 1)]
)
def test_a_wheel_or_ring_that_is_not_there_is_named(wheels, ring):
    with pytest.raises(ConfigError, match=r"'toy' has the wheels \['fine', 'coarse'\].*choose"):
        Toy().places(wheels, ring)


sets = st.frozensets(st.sampled_from("abcdef"))


@given(wanted=sets, answer=sets)
def test_f_is_the_harmonic_mean_and_swapping_swaps_precision_and_recall(wanted, answer):
    found = match(wanted, answer)
    if not wanted:
        assert found is None
        return
    total = found.precision + found.recall
    assert found.f1 == pytest.approx(2 * found.precision * found.recall / total if total else 0)
    if answer:
        swapped = match(answer, wanted)
        assert (swapped.precision, swapped.recall) == (found.recall, found.precision)
    assert match(wanted, answer, wrong=1).precision <= found.precision
    assert match(wanted, answer, wrong=1).recall == found.recall


def test_wrong_words_join_what_precision_divides_by():
    found = match(frozenset("ab"), frozenset("ac"), wrong=2)
    assert (found.precision, found.recall, found.f1) == (1 / 4, 1 / 2, 2 / 6)


def test_a_word_that_stands_twice_belongs_where_it_stands_last():
    first, second = ring_maps(
        [("sad", "low", "hurt"), ("mad", "cross", "cold"), ("mad", "bitter", "hurt")]
    )
    assert first["hurt"] == "mad"
    assert second == {
        "sad": "low", "low": "low", "mad": "bitter", "cross": "cross", "cold": "cross",
        "bitter": "bitter", "hurt": "bitter",
    }  # fmt: skip
