"""What each of several processes does in the test of distributed captions; imports little."""

from datetime import timedelta
from pathlib import Path

import torch
from torch import distributed

from emolit.evaluators.captions import Captions
from emolit.types import Clip, Evaluation
from tests.evaluators.answers import batch_of

Row = tuple[str, str | None, tuple[str, ...]]


def captioned(*rows: Row) -> Evaluation:
    """Captions of one batch, each row corpus, answer, references."""
    clips = [
        Clip(f"{corpus}-{place}", corpus, "a.wav", captions=wanted)
        for place, (corpus, _, wanted) in enumerate(rows)
    ]
    answers = tuple(answer for _, answer, _ in rows)
    return Evaluation(batch_of(clips, ()), tuple(map(str, answers)), answers)


def score(rank: int, world: int, folder: str, shares: list[list[Row]], names: list[str]) -> None:
    """Score this rank's share and leave the results in a file."""
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo",
        init_method=f"file://{folder}/meet",
        rank=rank,
        world_size=world,
        timeout=timedelta(seconds=60),
    )
    evaluator = Captions()
    evaluator.start(tuple(names))
    for row in shares[rank]:
        evaluator.update(captioned(row))
    torch.save((evaluator.compute(), evaluator.signatures()), Path(folder) / f"{rank}.pt")
    distributed.destroy_process_group()
