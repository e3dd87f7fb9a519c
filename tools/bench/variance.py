"""Measures the noise of the gradient: sampled responses, weighed answers, all options.

    python -m tools.bench.variance runs/demo/sft/best --data configs/corpora/synthetic.yaml
    python -m tools.bench.variance FOLDER --data CORPUS.yaml --rounds 100 --group 8

The gradient of the expected reward (`Correct`) is estimated again and again on one batch of clips
under one set of weights. ``noise`` is the variance of an estimate, summed over all weights, beside
the squared length of the mean gradient; ``ratio`` is that of the first row over it. Sampled
responses have RLOO's baseline. A checkpoint that thinks is asked with sampled and with weighed
answers (`EnumeratedAnswersFinetuning`); any other one with samples and with all options
(`EnumeratedFinetuning`), which has no noise but that of the batch: the rows ``other batches`` draw
clips anew, too. Prints a table and writes ``runs/bench/variance.json``.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from emolit.advantages import leave_one_out
from emolit.affect.taxonomy import Taxonomy
from emolit.commands.corpus import corpus_parser, read_corpus
from emolit.corpora import Corpus
from emolit.data.dataset import ClipDataset, Collate, clip_loader
from emolit.data.sampler import ClipSampler
from emolit.errors import ConfigError, EmolitError
from emolit.evaluators.categorical import Categorical
from emolit.inference.trained import Trained, read_trained
from emolit.objectives.expected_reward import ExpectedReward
from emolit.objectives.rloo import RLOO
from emolit.reporting.tables import ScoreTable
from emolit.rewards.correct import Correct
from emolit.tasks.enumerated import EnumeratedFinetuning
from emolit.tasks.enumerated_answers import EnumeratedAnswersFinetuning
from emolit.tasks.rl import ReinforcementFinetuning
from emolit.types import Batch
from tools.bench.alone import detach, make_step

TARGET = Path("runs/bench/variance.json")


def main(arguments: list[str] | None = None) -> int:
    """Estimate, print the table, and write it."""
    parser = corpus_parser("variance", (__doc__ or "").splitlines()[0])
    parser.add_argument("checkpoint", type=str, help="folder of a trained model")
    parser.add_argument("--rounds", type=int, default=64, help="estimates a row")
    parser.add_argument("--group", type=int, default=8, help="responses a prompt")
    parser.add_argument("--target", type=str, default=str(TARGET), help="where the figures go")
    corpus, given = read_corpus(parser, arguments or [])
    try:
        rows = measure(corpus, given)
    except EmolitError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    header = ("gradient by", "clips", "estimates", "noise", "ratio")
    text = tuple(
        (
            row["by"],
            row["clips"],
            str(row["rounds"]),
            f"{row['noise']:.4g}",
            "" if row["ratio"] is None else f"{row['ratio']:.4g}",
        )
        for row in rows
    )
    ScoreTable("noise of the gradient", header, text).show()
    Path(given.target).parent.mkdir(parents=True, exist_ok=True)
    Path(given.target).write_text(json.dumps(rows, indent=2), encoding="utf-8")
    return 0


def measure(corpus: Corpus, given: argparse.Namespace) -> list[dict[str, Any]]:
    """Return a row for each way to estimate, and for one batch and many."""
    trained = read_trained(given.checkpoint)
    corpus.prepare_data()
    corpus.setup("fit")
    module = trained.module()
    module.configure_model()
    tasks = tasks_of(trained, module.policy, given.group)
    rows: list[dict[str, Any]] = []
    for fixed in (True, False):
        for name, task in tasks.items():
            clips = "one batch" if fixed else "other batches"
            batches, started = batches_of(corpus, trained, fixed), time.perf_counter()
            found = torch.stack([gradient(task, next(batches), i) for i in range(given.rounds)])
            took = time.perf_counter() - started
            sys.stderr.write(f"{name}, {clips}: {given.rounds} estimates in {took:.0f} s\n")
            rows.append(row_of(name, clips, found))
    for start in range(0, len(rows), len(tasks)):
        compare(rows[start : start + len(tasks)])
    return rows


def row_of(name: str, clips: str, found: Tensor) -> dict[str, Any]:
    """Return variance and squared length of a gradient from estimates of it. ``[N, weights]``.

    The length is that of their mean less what their noise adds to it.
    """
    variance = found.var(0).sum().item()
    length = found.mean(0).square().sum().item() - variance / len(found)
    row = {"by": name, "clips": clips, "rounds": len(found)}
    return {**row, "variance": variance, "signal": length}


def compare(rows: list[dict[str, Any]]) -> None:
    """Add noise and ratio to rows of one kind; the signal is that of the row that varies least.

    Raises:
        ConfigError: The noise hides the gradient.
    """
    signal = min(rows, key=lambda row: row["variance"])["signal"]
    if signal <= 0:
        raise ConfigError(
            "The gradient is lost in its noise: hardly a response was right. Take a checkpoint "
            "that was trained on this corpus, or more --rounds."
        )
    for row in rows:
        row["noise"] = row["variance"] / signal
        row["ratio"] = rows[0]["variance"] / row["variance"] if row["variance"] else None


def tasks_of(trained: Trained, policy: Any, group: int) -> dict[str, Any]:
    """Return the tasks whose gradients are compared, the sampling one first."""
    shared = {
        "policy": policy,
        "rewards": [Correct()],
        "optimizer": partial(torch.optim.SGD, lr=1.0),
        "evaluator": Categorical(Taxonomy(trained.labels)),
        "prompt": trained.prompt,
        "sampling": replace(trained.sampling, temperature=1.0, top_p=1.0, top_k=0),
    }
    drawn = {**shared, "advantage": leave_one_out, "group_size": group}
    made = {f"{group} samples": ReinforcementFinetuning(objective=RLOO(), **drawn)}
    if "<think>" in trained.prompt.layout:
        made[f"{group} thoughts, all answers"] = EnumeratedAnswersFinetuning(**drawn)
    else:
        made["all options"] = EnumeratedFinetuning(objective=ExpectedReward(), **shared)
    return {name: detach(task) for name, task in made.items()}


def batches_of(corpus: Corpus, trained: Trained, fixed: bool) -> Iterator[Batch]:
    """Yield training batches without end: the first one again and again, or all in turn."""
    clips = corpus.clips("train")
    dataset = ClipDataset(clips, corpus.folders, trained.sampling_rate, corpus.loading)
    collate = Collate(trained.prompt, trained.labels, trained.sampling_rate)
    sampler = ClipSampler([len(clips)], training=True)
    loader = clip_loader(dataset, sampler, collate, training=True)
    epoch = 0
    while True:
        sampler.set_epoch(epoch)
        for batch in loader:
            yield batch
            while fixed:
                yield batch
        epoch += 1


def gradient(task: Any, batch: Batch, step: int) -> Tensor:
    """Return one estimate, all weights in a row."""
    make_step(task, batch, step)
    weights = [weight for weight in task.policy.parameters() if weight.requires_grad]
    return torch.cat(
        [(torch.zeros_like(w) if w.grad is None else w.grad).detach().flatten() for w in weights]
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
