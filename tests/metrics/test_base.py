import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support

from emolit.evaluators.categorical import SCORES
from emolit.metrics import base
from tests.metrics.cases import Case, cases, tensors, with_extra_class

ALL = pytest.mark.parametrize("score", SCORES.values(), ids=list(SCORES))


@given(cases())
def test_recall_precision_and_f1_equal_sklearn_for_classes_that_occur(case: Case):
    num_classes, _, targets = case
    precision, recall, f1, support = precision_recall_fscore_support(
        targets, with_extra_class(case), labels=range(num_classes), zero_division=0
    )
    counts = base.tabulate(*tensors(case), num_classes)
    present = torch.tensor(support > 0)
    assert base.support(counts).tolist() == support.tolist()
    for ours, theirs in [
        (base.recall(counts), recall),
        (base.precision(counts), precision),
        (base.f1(counts), f1),
    ]:
        assert ours.dtype == torch.float64
        assert ours[present].tolist() == pytest.approx(theirs[present.numpy()], abs=1e-12)
        assert ours[~present].isnan().all()


@given(case=cases(), cuts=st.lists(st.integers(0, 40), max_size=4))
def test_no_score_depends_on_how_clips_are_cut_into_batches(case: Case, cuts: list[int]):
    answers, targets = tensors(case)
    for score in SCORES.values():
        whole, parts = score(case[0]), score(case[0])
        whole.update(answers, targets)
        for piece in zip(
            answers.tensor_split(sorted(cuts)), targets.tensor_split(sorted(cuts)), strict=True
        ):
            parts.update(*piece)
        assert torch.equal(whole.compute().nan_to_num(-1), parts.compute().nan_to_num(-1))


@ALL
def test_a_metric_survives_pickling_with_its_counts(score: type[base.CountMetric]):
    metric = score(3)
    metric.update(torch.tensor([0, 1, -1, 2]), torch.tensor([0, 0, 1, 1]))
    again = pickle.loads(pickle.dumps(metric))
    again.update(torch.tensor([0]), torch.tensor([0]))
    metric.update(torch.tensor([0]), torch.tensor([0]))
    assert torch.equal(metric.compute().nan_to_num(-1), again.compute().nan_to_num(-1))


@ALL
def test_the_state_is_one_integer_matrix_with_a_column_for_unreadable(
    score: type[base.CountMetric],
):
    metric = score(3)
    metric.update(torch.tensor([-1, 2]), torch.tensor([0, 2]))
    assert metric.counts.dtype == torch.int64
    assert metric.counts.tolist() == [[0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 1, 0]]


@pytest.mark.parametrize(
    ("answers", "targets", "words"),
    [
        ([0, 1], [0], "one index a clip"),
        ([3], [0], r"answers hold the class index 3, which is not in -1\.\.2"),
        ([-2], [0], "answers hold the class index -2"),
        ([0], [-1], r"targets hold the class index -1, which is not in 0\.\.2"),
        ([0], [3], "targets hold the class index 3"),
    ],
)
def test_indices_that_cannot_be_are_refused(answers: list[int], targets: list[int], words: str):
    with pytest.raises(ValueError, match=words):
        base.tabulate(torch.tensor(answers), torch.tensor(targets), 3)


def test_a_batch_without_clips_changes_nothing():
    nothing = torch.empty(0, dtype=torch.int64)
    assert base.tabulate(nothing, nothing, 2).tolist() == [[0, 0, 0], [0, 0, 0]]
