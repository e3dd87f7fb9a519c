"""What labels mean under other words: checked word by word, by hand."""

import pytest

from emolit.affect.label_names import FOREIGN, meaning_of
from emolit.affect.taxonomy import CANONICAL


@pytest.mark.parametrize(
    ("label", "meant"),
    [
        ("anger", "angry"), ("Anger", "angry"), ("Wut", "angry"),
        ("愤怒", "angry"), ("rabbia", "angry"), ("joy", "happy"), ("Freude", "happy"),
        ("happiness", "happy"),
        ("sadness", "sad"), ("Traurigkeit", "sad"), ("fearful", "fear"), ("afraid", "fear"),
        ("Angst", "fear"), ("disgusted", "disgust"), ("Ekel", "disgust"), ("surprised", "surprise"),
        ("pleasant_surprise", "surprise"), ("ps", "surprise"), ("Langeweile", "boredom"),
        ("bored", "boredom"), ("NEUTRAL", "neutral"), ("中性", "neutral"), ("worry", "worried"),
        ("frustration", "frustrated"), ("excitement", "excited"), ("calmness", "calm"),
    ],
)  # fmt: skip
def test_words_of_several_languages_mean_one_of_ours(label, meant):
    found = meaning_of(label)
    assert found is not None and found.label == meant
    assert not found.why.startswith("near")


@pytest.mark.parametrize(
    ("label", "meant", "kind"),
    [("annoyed", "angry", "anger"), ("rage", "angry", "anger"), ("proud", "happy", "joy")],
)
def test_a_kind_of_an_emotion_is_near_and_is_said_to_be(label, meant, kind):
    assert meaning_of(label) == (meant, f"near: a kind of {kind}")


@pytest.mark.parametrize("label", ["W", "xyz", "3", "", "left", "speaker one"])
def test_what_nobody_knows_means_nothing(label):
    assert meaning_of(label) is None


def test_each_of_ours_means_itself_and_no_word_means_two():
    assert [meaning_of(label).label for label in CANONICAL] == [*CANONICAL]
    assert {*FOREIGN.values()} <= {*CANONICAL}
