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
    task = SimpleNamespace(
        policy=policy, prompt=prompt or Direct(), sampling=Sampling(max_tokens=8)
    )
    corpus = SimpleNamespace(
        taxonomy=Taxonomy(labels),
        names=("toy",),
        licenses={"toy": {"license": "CC0", "homepage": "https://toy.example"}},
        sampling_rate=16_000,
        loading=SimpleNamespace(max_seconds=30.0, frames=0),
    )
    scores = {"val/toy/UA": 0.5, "train/loss": 1.0}
    (folder / FILE).write_text(render_record(record_of_run(task, corpus, scores)))
    return folder
