"""The packaged words: at home on their wheels, in line with the released tables, in two tongues."""

import csv
import pickle
from collections import defaultdict
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolit.affect.lexicon import ring_maps
from emolit.affect.packaged_lexicon import WHEELS, PackagedLexicon, entries
from emolit.affect.released_tables import read_forms, read_wheel
from emolit.affect.taxonomy import CANONICAL
from tests.lexicons import released

LEXICON = PackagedLexicon()
LEFT_OUT = {
    "roberts": {
        "dismayed", "dismissive", "eager", "excited", "frustrated", "humiliated", "inferior",
        "isolated", "judgmental", "powerless", "provoked", "rejected", "shocked", "victimised",
        "vulnerable", "weak",
    },
    "willcox": {"embarrassed", "important", "joyful", "loving", "satisfied", "trusting", "happy"},
}  # fmt: skip
"""Words that the released tables do not file where the wheel has them; docs/wheels.md says so."""
ABSENT = {
    "plutchik": set(),
    "willcox": {"disgust", "surprise", "contempt"},
    "parrott": set(),
    "geneva": {"boredom"},
    "roberts": set(),
}
"""Basic labels for which a wheel has no category."""


def lines(name):
    path = resources.files("emolit").joinpath("assets", name)
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.mark.parametrize(
    ("wheel", "inner", "size"),
    [("plutchik", 8, 24), ("willcox", 6, 78), ("parrott", 6, 135), ("geneva", 20, 40),
     ("roberts", 7, 126)],
)  # fmt: skip
def test_every_word_of_a_wheel_stands_where_the_wheel_has_it(wheel, inner, size):
    homes = defaultdict(set)
    for line in lines(f"wheels/{wheel}.tsv"):
        for ring in ("inner", "middle", "outer"):
            if line[ring]:
                homes[line[ring]].add((line["inner"], line["middle"]))
    assert len({first for places in homes.values() for first, _ in places}) == inner
    assert len(homes) == size
    for word, places in homes.items():
        assert LEXICON.group(word, wheel) in {first for first, _ in places}
        assert (LEXICON.group(word, wheel), LEXICON.group(word, wheel, 2)) in places


@pytest.mark.parametrize("wheel", WHEELS)
@pytest.mark.parametrize("label", [name for name in CANONICAL if name != "other"])
def test_every_basic_label_has_a_group_on_every_wheel_that_has_such_a_category(wheel, label):
    assert (LEXICON.group(label, wheel) is None) == (label in ABSENT[wheel])


@pytest.mark.parametrize(("wheel", "theirs"), [("roberts", "wheel2"), ("willcox", "wheel5")])
def test_ring_one_agrees_with_the_released_tables_on_the_wheels_of_both(shared, wheel, theirs):
    tables = released(shared, "2026")
    folder = shared / "reference" / "emotion_wheel"
    home, _ = ring_maps(read_wheel(folder / f"{theirs}.xlsx"))
    astray = {word for word, group in home.items() if tables.group(word, theirs) != group}
    assert astray == LEFT_OUT[wheel] - {"happy"}
    bases = read_forms(shared / "reference" / "emotion_wheel_mer2026" / "format.csv")
    pairs = [
        (LEXICON.group(word, wheel), tables.group(word, theirs))
        for word in tables.table
        if not bases[word] & LEFT_OUT[wheel]
    ]
    both = [ours == other for ours, other in pairs if ours and other]
    assert len(both) > 1_000
    assert sum(both) / len(both) >= 0.95


def test_every_concept_stands_on_its_wheels_and_no_word_stands_twice():
    seen = set()
    for line in lines("lexicon/concepts.tsv"):
        assert line["polarity"] in {"+", "-", "0"}
        for wheel in WHEELS:
            known = {word for row in lines(f"wheels/{wheel}.tsv") for word in row.values()}
            assert not line[wheel] or line[wheel] in known
        words = ", ".join((line["english"], line["chinese"])).strip(", ").split(", ")
        assert not seen.intersection(words)
        assert all(word == word.strip().lower() and word for word in words)
        seen.update(words)
    assert len(seen) == len(entries())


@pytest.mark.parametrize(
    ("words", "concept"),
    [
        (("saddened", "saddening", "Sad", "sadness", "sadly", "sadder", "悲伤", "难过"), "sad"),
        (("happily", "HAPPINESS", "happier", "高兴", "开心"), "happy"),
        (("worries", "worried", "worryingly", "担心"), "worried"),
        (("frightens", "frightened", "frighteningly"), "frightened"),
        (("let down",), "let down"),
        (("self\u2019conscious", "xyzzy", "table", "", "very sad", "sad."), None),
    ],
)
def test_inflections_and_chinese_words_mean_the_same(words, concept):
    place = LEXICON.columns.index("concept")
    for word in words:
        row = LEXICON.row(word)
        assert (None if row is None else row[place]) == concept


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("He looks down, his voice is cold and firm.", ()),
        ("She feels let down; angrily, anxiously she speaks", ("let down", "angrily", "anxiously")),
        ("他听起来很困难，但是很高兴", ("高兴",)),
        ("a neutral voice", ("neutral",)),
    ],
)
def test_words_of_other_things_are_not_spotted_in_running_text(text, words):
    assert LEXICON.find_words(text) == words


DENIED = [
    ("She isn\u2019t really very happy, but sad.", ("sad",)),
    ("not sad but angry", ("angry",)),
    ("Not only sad: angry without fear", ("sad", "angry")),
    ("No, he is happy; he never seems to be sad", ("happy",)),
    ("not a word of what she said was happy", ("happy",)),
    ("他并不高兴，没有愤怒，也不是很悲伤，但是很紧张", ("不高兴", "紧张")),
    ("他不哭，高兴；不开心", ("高兴", "不开心")),
]
"""Texts, and what they name without what they deny."""


@pytest.mark.parametrize(("text", "words"), DENIED)
def test_denied_words_are_left_out_where_that_is_asked_for(text, words):
    kept, dropped = PackagedLexicon(), PackagedLexicon(negated="drop")
    assert dropped.find_words(text) == words
    assert {*kept.find_words(text)} >= {*words}
    assert (kept.tag, dropped.tag) == ("lexicon:emolit", "lexicon:emolit|negated:drop")


def test_a_list_denies_nothing():
    words = ("not", "happy", "not happy")
    assert PackagedLexicon(negated="drop").rows(words) == PackagedLexicon().rows(words)


def test_a_word_that_is_not_spotted_still_counts_in_a_list():
    assert LEXICON.group("down", "parrott") == "sadness"


@pytest.mark.parametrize(
    ("word", "polarity"),
    [("Happy", 1), ("sadly", -1), ("surprised", 0), ("愤怒", -1), ("感激", 1), ("xyzzy", None)],
)
def test_words_are_pleasant_or_not(word, polarity):
    assert LEXICON.polarity(word) == polarity


def test_it_pickles_without_its_words():
    assert len(pickle.dumps(LEXICON)) < 1_000


class Patient(PackagedLexicon):
    """Looks for a phrase of any length at each word."""

    def reach(self, word):
        return self.longest


JOINTS = st.sampled_from([" ", " ", "-", "'", "’", ", ", "  ", ". ", ""])
WORDS = st.sampled_from(sorted(entries())) | st.sampled_from(
    ["self", "confidently", "heartedly", "let", "downs", "don’t", "no", "没有", "没", "very"]
)


@given(st.lists(st.tuples(WORDS, st.sampled_from(["", "", "ly", "s", "ing"]), JOINTS), max_size=8))
def test_no_phrase_is_missed_for_how_it_begins(parts):
    text = "".join(word + ending + joint for word, ending, joint in parts)
    for form in (text, text.replace("'", "’")):
        assert PackagedLexicon().find_words(form) == Patient().find_words(form)
