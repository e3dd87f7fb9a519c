import pytest
import torch

from emolit.metrics.raters import AnyAnnotator, EntropyThirds, accuracy_by_thirds, vote_entropy


def test_any_rater_is_enough_and_no_choice_is_never_right():
    metric = AnyAnnotator()
    rows = torch.tensor([[0.9, 0.1, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    metric.update(rows, torch.tensor([[1, 4, 0], [1, 4, 0], [5, 0, 0]]))
    assert metric.compute().item() == pytest.approx(1 / 3)


def test_thirds_go_by_the_entropy_of_the_votes():
    votes = torch.tensor([[5, 0], [3, 2], [4, 1], [5, 0], [4, 1], [3, 2]])
    assert vote_entropy(torch.tensor([[0.5, 0.5]])).item() == pytest.approx(0.693147, abs=1e-6)
    metric = EntropyThirds()
    rows = torch.tensor([[1.0, 0.0]] * 6)
    metric.update(rows, torch.tensor([0, 1, 0, 0, 1, 1]), votes)
    assert metric.compute().tolist() == [1.0, 0.5, 0.0]


def test_clips_of_equal_entropy_stay_together():
    found = accuracy_by_thirds(torch.zeros(4), torch.tensor([1, 0, 0, 0]))
    assert found[0] == 0.25
    assert found[1:].isnan().all()


@pytest.mark.filterwarnings("ignore:The ``compute`` method of metric")
def test_before_any_clip_there_are_no_thirds():
    assert EntropyThirds().compute().isnan().all()
