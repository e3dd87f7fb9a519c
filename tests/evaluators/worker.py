"""What each of several processes does in the test of distributed scores; imports little."""

from datetime import timedelta
from pathlib import Path

import torch
from torch import distributed
from torchmetrics.classification import MulticlassCohenKappa

from emolit.affect.taxonomy import Taxonomy
from emolit.callbacks.base import gather
from emolit.evaluators.categorical import Categorical
from tests.evaluators.answers import LABELS, evaluation

Table = list[tuple[str, str, str | None]]


def score(rank: int, world: int, folder: str, shares: list[Table], names: tuple[str, ...]) -> None:
    """Score this rank's share of the answers and leave the results in a file."""
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo",
        init_method=f"file://{folder}/meet",
        rank=rank,
        world_size=world,
        timeout=timedelta(seconds=60),
    )
    evaluator = Categorical(Taxonomy(LABELS), [MulticlassCohenKappa])
    evaluator.start(names)
    for row in shares[rank]:
        evaluator.update(evaluation(row))
    found = (evaluator.compute(), evaluator.confusion(), gather(shares[rank]))
    torch.save(found, Path(folder) / f"{rank}.pt")
    distributed.destroy_process_group()
