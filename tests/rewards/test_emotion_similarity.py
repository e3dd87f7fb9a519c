"""ESWR: all values of the published matrix, the fading of partial credit, the binary cases."""

from dataclasses import replace
from itertools import product

import pytest

from emolit.affect.similarity import Circumplex, PlutchikWheel, SimilarityMatrix
from emolit.affect.taxonomy import CANONICAL
from emolit.errors import ConfigError
from emolit.rewards.correct import Correct
from emolit.rewards.emotion_similarity import EmotionSimilarity
from emolit.rl.schedule import CosineFade, LinearFade
from emolit.types import Clip
from tests.rewards.test_base import rollout

LABELS = ("neutral", "happy", "sad", "angry", "surprise", "fear", "disgust")
MATRIX = (
    (1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5),
    (0.5, 1, 0, 0.5, 0.1464, 0.5, 0.1464),
    (0.5, 0, 1, 0.5, 0.8536, 0.5, 0.8536),
    (0.5, 0.5, 0.5, 1, 0.1464, 0, 0.8536),
    (0.5, 0.1464, 0.8536, 0.1464, 1, 0.8536, 0.5),
    (0.5, 0.5, 0.5, 0, 0.8536, 1, 0.1464),
    (0.5, 0.1464, 0.8536, 0.8536, 0.5, 0.1464, 1),
)
"""Derived from eq. 7 outside emolit; a part is paid for the pairs of .8536 alone."""


def drawn(answers, labels, options=LABELS, progress=0.0):
    """Every answer to each of some clips."""
    responses = tuple(map(str, range(len(answers))))
    made = rollout((responses,) * len(labels), (tuple(answers),) * len(labels))
    clips = tuple(Clip(f"c{i}", "toy", "a.wav", label) for i, label in enumerate(labels))
    batch = replace(made.batch, clips=clips, options=tuple(options))
    return replace(made, batch=batch, progress=progress)


def test_all_similarities_are_those_of_the_equation():
    for (row, one), (column, other) in product(enumerate(LABELS), repeat=2):
        assert PlutchikWheel().of(one, other) == pytest.approx(MATRIX[row][column], abs=1e-4)


def test_the_docstring_shows_these_values():
    lines = [
        line.split("|")[1:-1] for line in EmotionSimilarity.__doc__.splitlines() if "|" in line
    ]
    header, _, *rows = [[cell.strip() for cell in line] for line in lines]
    assert header[1:] == [row[0] for row in rows] == list(LABELS)
    assert [tuple(map(float, row[1:])) for row in rows] == list(MATRIX)


@pytest.mark.parametrize("alpha", [0.0, 0.25, 1.0])
def test_all_rewards(alpha):
    values = EmotionSimilarity(alpha=alpha)(drawn(LABELS, LABELS)).values
    for (row, _), (column, _) in product(enumerate(LABELS), repeat=2):
        alike = MATRIX[row][column]
        expected = 1 if row == column else alpha * 0.8536 if alike == 0.8536 else 0
        assert values[row, column].item() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, None, CosineFade()])
@pytest.mark.parametrize("progress", [0.0, 0.4, 1.0])
def test_on_the_four_common_classes_it_is_the_binary_reward(alpha, progress):
    four = ("angry", "happy", "neutral", "sad")
    made = drawn((*four, None), (*four, None), four, progress)
    similar, binary = EmotionSimilarity(alpha=alpha)(made).values, Correct()(made).values
    assert similar.nan_to_num(-1).equal(binary.nan_to_num(-1))


@pytest.mark.parametrize("source", [None, Circumplex()])
def test_without_partial_credit_it_is_the_binary_reward_everywhere(source):
    made = drawn((*CANONICAL, None, ("sad", "tired")), (*CANONICAL, None), CANONICAL, 0.3)
    binary = Correct()(made).values.nan_to_num(-1)
    assert EmotionSimilarity(source, alpha=0.0)(made).values.nan_to_num(-1).equal(binary)
    over = replace(made, progress=1.0)
    assert EmotionSimilarity(source)(over).values.nan_to_num(-1).equal(binary)
    assert not EmotionSimilarity(source)(made).values.nan_to_num(-1).equal(binary)


@pytest.mark.parametrize(
    ("alpha", "progress", "factor"),
    [
        (None, 0.0, 1.0),
        (None, 0.25, 0.75),
        (None, 1.0, 0.0),
        (CosineFade(), 0.5, 0.5),
        (CosineFade(), 1 / 3, 0.75),
        (LinearFade(until=0.5), 0.25, 0.5),
        (0.3, 0.9, 0.3),
    ],
)
def test_partial_credit_follows_the_share_of_the_training(alpha, progress, factor):
    """The share comes from the step, so that a resumed run goes on where it was."""
    made = drawn(("sad", "surprise"), ("surprise",), progress=progress)
    found = EmotionSimilarity(alpha=alpha)(made).values.tolist()[0]
    assert found == [pytest.approx(factor * 0.853553, abs=1e-5), 1.0]


def test_a_right_neutral_is_right_and_labels_without_a_place_earn_no_part():
    made = drawn(("neutral", "calm", "contempt"), ("neutral", "calm"), CANONICAL)
    assert EmotionSimilarity()(made).values.tolist() == [[1, 0, 0], [0, 1, 0]]
    placed = EmotionSimilarity(PlutchikWheel(places={"calm": 0.0}))
    assert placed(drawn(("calm", "happy"), ("happy",), CANONICAL)).values.tolist() == [[1, 1]]


def test_below_a_lower_threshold_more_pairs_earn_a_part():
    made = drawn(("angry", "sad", "fear"), ("happy",))
    assert EmotionSimilarity(gamma=0.5)(made).values.tolist() == [[0, 0, 0]]  # not above
    assert EmotionSimilarity(gamma=0.4)(made).values.tolist() == [pytest.approx([0.5, 0, 0.5])]


def test_a_matrix_is_read_answer_by_target_and_must_have_all_labels(tmp_path):
    file = tmp_path / "matrix.csv"
    file.write_text("label,sad,calm\nsad,1,.9\ncalm,.1,1\n")
    with pytest.warns(UserWarning, match="not symmetric"):
        reward = EmotionSimilarity(SimilarityMatrix(str(file)))
    made = drawn(("sad", "calm", None), ("sad", "calm"), ("sad", "calm"))
    assert reward(made).values.tolist() == [[1, 0, 0], [pytest.approx(0.9), 1, 0]]
    with pytest.raises(ConfigError, match=r"not know \['angry', 'happy'\]"):
        reward(drawn(("sad",), ("sad",), ("angry", "happy", "sad")))


@pytest.mark.parametrize(
    "settings", [{"alpha": 1.5}, {"alpha": LinearFade(start=2.0)}, {"gamma": -0.1}]
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ConfigError, match="choose each from 0 to 1"):
        EmotionSimilarity(**settings)
