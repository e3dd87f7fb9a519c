"""Sources of similarity: values by hand, tables of users, and what is refused."""

import math

import pytest

from emolit.affect.similarity import Circumplex, PlutchikWheel, SimilarityMatrix, markdown
from emolit.errors import ConfigError, CorpusError

COMMON = ("angry", "happy", "sad", "fear", "disgust", "surprise")


@pytest.mark.parametrize("source", [PlutchikWheel(), Circumplex()])
def test_similarity_is_symmetric_from_0_to_1_and_1_with_itself(source):
    for one in (*COMMON, "neutral", "calm", "excited"):
        assert source.of(one, one) == 1
        for other in (*COMMON, "neutral", "calm"):
            assert 0 <= source.of(one, other) <= 1
            assert source.of(one, other) == pytest.approx(source.of(other, one))


def test_the_wheel_takes_further_places():
    ours = PlutchikWheel(places={"boredom": 225.0})
    assert ours.of("boredom", "disgust") == 1
    assert ours.of("boredom", "calm") == PlutchikWheel().of("boredom", "disgust") == 0.5


def test_the_plane_by_hand():
    # happy (.81, .51), sad (-.63, -.27): 1.44 and .78 apart; the diagonal is 2 sqrt 2
    expected = 1 - math.hypot(1.44, 0.78) / math.sqrt(8)
    assert Circumplex().of("happy", "sad") == pytest.approx(expected)
    assert Circumplex().of("joy", "sadness") == pytest.approx(expected)
    # an acoustic neighbor: both negative and aroused
    assert Circumplex().of("angry", "fear") == pytest.approx(1 - math.hypot(0.13, 0.01) / 8**0.5)
    assert Circumplex().of("happy", "neutral") == 0.5


def test_norms_of_ones_own(tmp_path):
    file = tmp_path / "norms.csv"
    file.write_text("word,valence,arousal\njoy,9,5\nangry,1,9\nneutral,5,1\nanger,2,9\n")
    source = Circumplex(str(file), low=1, high=9)
    assert source.of("happy", "angry") == pytest.approx(1 - math.hypot(8, 4) / math.hypot(8, 8))
    assert source.of("anger", "angry") == pytest.approx(1 - 1 / math.hypot(8, 8))
    assert source.of("neutral", "happy") == pytest.approx(1 - math.hypot(4, 4) / math.hypot(8, 8))
    assert source.of("sad", "happy") == 0.5
    strict = Circumplex(str(file), low=1, high=9, unplaced=None)
    with pytest.raises(ConfigError, match=r"not know \['calm', 'sad'\]; add them"):
        strict.check(("sad", "happy", "calm"))
    with pytest.raises(ConfigError, match=r"not know \['sad'\]"):
        strict.of("sad", "happy")
    with pytest.raises(ConfigError, match=r"'anger' at \(2\.0, 9\.0\), off its scale of -1"):
        Circumplex(str(file))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("sad,1,2\nsad,1,3\n", "row 3: 'sad' stands there a second time"),
        ("sad,low,2\n", "row 2: 'arousal' is no number|row 2: 'valence' is no number"),
        ("sad,1,nan\n", "row 2: 'arousal' is empty"),
        ("sad,1,\n", "row 2: 'arousal' is empty"),
    ],
)
def test_norms_that_are_none(rows, said, tmp_path):
    file = tmp_path / "norms.csv"
    file.write_text(f"word,valence,arousal\n{rows}")
    with pytest.raises(CorpusError, match=said):
        Circumplex(str(file), low=1, high=9)


def test_settings_that_are_none(tmp_path):
    with pytest.raises(ConfigError, match="low 1 and high 1"):
        Circumplex(low=1, high=1)
    with pytest.raises(ConfigError, match=r"from 0 to 1, not 1\.5"):
        PlutchikWheel(unplaced=1.5)
    with pytest.raises(ConfigError, match=r"at .*gone\.csv; mend the path"):
        SimilarityMatrix(str(tmp_path / "gone.csv"))


def test_a_matrix_of_ones_own_in_any_order(tmp_path):
    file = tmp_path / "matrix.csv"
    file.write_text("label,sad,angry,calm\nangry,.25,1,0\ncalm,.8,0,1\nsad,1,.25,.8\n")
    source = SimilarityMatrix(str(file))
    assert (source.of("sad", "calm"), source.of("sad", "angry")) == (0.8, 0.25)
    with pytest.raises(ConfigError, match=r"not know \['fear', 'happy'\]; add them"):
        source.check(("happy", "sad", "fear"))


def test_a_matrix_that_is_not_symmetric_is_told_and_read_answer_by_target(tmp_path):
    file = tmp_path / "matrix.csv"
    file.write_text("label,sad,calm\nsad,1,.9\ncalm,.1,1\n")
    with pytest.warns(UserWarning, match="'sad' to 'calm' is 0.9, 'calm' to 'sad' 0.1"):
        source = SimilarityMatrix(str(file))
    assert source.of("sad", "calm") == 0.9


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("label,sad,calm\nsad,1,0\n", r"not square: \['calm'\]"),
        ("label,sad\nsad,1\ncalm,0\n", r"not square: \['calm'\]"),
        ("label,sad\nsad,1\nsad,1\n", r"not square: \['sad'\]"),
        ("label,sad,calm\nsad,1,2\ncalm,2,1\n", "from 0 to 1, not 2"),
    ],
)
def test_a_matrix_that_is_none(text, said, tmp_path):
    file = tmp_path / "matrix.csv"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said):
        SimilarityMatrix(str(file))


def test_a_table_for_people():
    assert markdown(PlutchikWheel(), ("sad", "disgust")).splitlines() == [
        "|  | sad | disgust |",
        "| --- | --- | --- |",
        "| sad | 1 | 0.8536 |",
        "| disgust | 0.8536 | 1 |",
    ]
