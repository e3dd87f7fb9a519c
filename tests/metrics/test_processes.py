"""No score of a distribution depends on batches or processes."""

from datetime import timedelta
from pathlib import Path

import pytest
import torch
from torch import distributed, multiprocessing
from torchmetrics import Metric

from emolit.metrics.brier import Brier
from emolit.metrics.calibration import ExpectedCalibrationError, MaximumCalibrationError
from emolit.metrics.concordance import Concordance
from emolit.metrics.confidence_scores import Agreement
from emolit.metrics.emo_superb import EmoSuperbF1
from emolit.metrics.likelihood import NegativeLogLikelihood
from emolit.metrics.raters import AnyAnnotator, EntropyThirds
from emolit.metrics.risk_coverage import AreaUnderRiskCoverage
from emolit.metrics.soft_labels import Cosine, JensenShannon, KullbackLeibler
from tests.metrics.distributions import Case, fed, random_case

ROWS, TARGETS, VOTES = random_case()


def all_metrics() -> list[tuple[Metric, Case]]:
    """Every metric, empty, with what it is updated with."""
    to_labels = (
        *(ExpectedCalibrationError(), MaximumCalibrationError(), NegativeLogLikelihood()),
        *(Brier(), AreaUnderRiskCoverage(), Agreement()),
    )
    to_votes = (JensenShannon(), KullbackLeibler(), Cosine(), AnyAnnotator(), EmoSuperbF1(4))
    gold = (VOTES / VOTES.sum(1, keepdim=True)).double()
    return [
        *((metric, (ROWS, TARGETS)) for metric in to_labels),
        *((metric, (ROWS, gold)) for metric in to_votes),
        (EntropyThirds(), (ROWS, TARGETS, VOTES)),
        (Concordance(), (4 + ROWS[:, 0], 4 + gold[:, 0])),
    ]


def computed(size: int) -> list[torch.Tensor]:
    return [fed(metric, case, size).compute() for metric, case in all_metrics()]


def share(case: Case, rank: int, world: int) -> Case:
    """Uneven: the last process gets nothing but the last two clips; of four, the third none."""
    if rank == world - 1:
        return tuple(part[-2:] for part in case)
    full = min(world - 1, 2)
    return tuple(part[:-2][rank::full] if rank < full else part[:0] for part in case)


def work(rank: int, world: int, folder: str) -> None:
    """Score this process's share among all, and among the first two."""
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo",
        init_method=f"file://{folder}/meet",
        rank=rank,
        world_size=world,
        timeout=timedelta(seconds=60),
    )
    pair = distributed.new_group([0, 1])
    for processes, group in ((world, None), (2, pair)):
        if rank < processes:
            found = []
            for metric, case in all_metrics():
                metric.process_group = group
                found.append(fed(metric, share(case, rank, processes), 3).compute())
            torch.save(found, Path(folder) / f"{processes}-{rank}.pt")
    distributed.destroy_process_group()


@pytest.mark.parametrize("size", [1, 7])
def test_batches_of_any_size_give_one_number(size):
    for one, other in zip(computed(size), computed(len(ROWS)), strict=True):
        assert torch.allclose(one, other, atol=1e-9, equal_nan=True)


def test_two_and_four_processes_give_the_numbers_of_one(tmp_path):
    multiprocessing.spawn(work, (4, str(tmp_path)), nprocs=4)
    alone = computed(len(ROWS))
    for processes, rank in ((4, 0), (4, 3), (2, 0), (2, 1)):
        found = torch.load(tmp_path / f"{processes}-{rank}.pt")
        for one, other in zip(found, alone, strict=True):
            assert torch.allclose(one, other, atol=1e-9, equal_nan=True)
