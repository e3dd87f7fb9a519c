"""A checkpoint folder of a tiny model that says what it answers, without training."""

import shutil
from pathlib import Path
from types import SimpleNamespace

from emolit.affect.taxonomy import Taxonomy
from emolit.engine.weights.record import FILE, record_of_run, render_record
from emolit.policies.nano import Nano
from emolit.prompts import Prompt
from emolit.prompts.direct import Direct
from emolit.types import Sampling

LABELS = ("angry", "happy", "sad")


def write_checkpoint(
    folder: Path, nano: Path, prompt: Prompt | None = None, labels: tuple[str, ...] = LABELS
) -> Path:
    """Copy a tiny model (which hears one second) and write beside it what it was asked."""
    shutil.copytree(nano, folder)
    policy = Nano(str(folder))
    policy.build(reference=False, seed=0)
    licenses = {"toy": {"license": "CC0", "homepage": "https://toy.example"}}
    write_record(folder, policy, prompt or Direct(), labels, licenses, Sampling(max_tokens=8))
    return folder


def write_record(
    folder: Path,
    policy: Nano,
    prompt: Prompt,
    labels: tuple[str, ...],
    licenses: dict[str, dict[str, str]],
    sampling: Sampling,
) -> None:
    """Write what a checkpoint says of itself, by the code that does so in a training.

    Args:
        folder: Of the weights.
        policy: Built.
        prompt: What was asked.
        labels: What could be answered.
        licenses: Of the corpora, whose names are the keys.
        sampling: How long answers may be.
    """
    task = SimpleNamespace(policy=policy, prompt=prompt, sampling=sampling)
    corpus = SimpleNamespace(
        taxonomy=Taxonomy(labels),
        names=tuple(licenses),
        licenses=licenses,
        sampling_rate=16_000,
        loading=SimpleNamespace(max_seconds=30.0, frames=0),
    )
    scores = {"val/toy/UA": 0.5, "train/loss": 1.0}
    (folder / FILE).write_text(render_record(record_of_run(task, corpus, scores)))
