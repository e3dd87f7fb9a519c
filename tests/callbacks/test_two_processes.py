"""All that is written in a test on two processes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from torch import distributed

from emolit.callbacks.pictures import Pictures
from emolit.callbacks.prediction_writer import PredictionWriter
from emolit.callbacks.report import Report
from emolit.types import Batch, Clip
from tests.callbacks.tiny import Loader, Told, batch_of, events, trainer


class Shared(Loader):
    """Every second batch for each process."""

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.batches[distributed.get_rank() :: 2])

    def __len__(self) -> int:
        return len(self.batches[distributed.get_rank() :: 2])


@pytest.mark.slow
def test_two_processes_write_what_one_would(tmp_path: Path):
    truths = ["sad", "angry", "sad", "happy", "sad"]
    clips = [Clip(f"{i}", "one", "a.wav", truth, f"s{i}") for i, truth in enumerate(truths)]
    only_second = Clip("x", "two", "a.wav", "sad", "sx")
    batches = [[clips[4], clips[0]], [clips[1], only_second], [clips[2]], [clips[3]]]
    replies = {clip.id: ("sad", "sad") for clip in clips} | {"x": ("?", None)}
    folders = {}
    for processes, loader in ((1, Loader), (2, Shared)):
        folder = tmp_path / f"{processes}"
        callbacks = (PredictionWriter(), Report(resamples=20), Pictures())
        strategy = "auto" if processes == 1 else "ddp_spawn"
        run = trainer(folder, *callbacks, devices=processes, strategy=strategy)
        run.test(
            Told(replies, ("one", "two")),
            loader(*(batch_of(*batch) for batch in batches)),
            verbose=False,
        )
        folders[processes] = folder
    for name in ("scores.json", "predictions-one.jsonl", "predictions-two.jsonl"):
        alone, together = (folders[count] / "test" / name for count in (1, 2))
        assert alone.read_text() == together.read_text()
    assert len(list((folders[2] / "test").iterdir())) == 3
    scores = json.loads((folders[2] / "test" / "scores.json").read_text())
    assert [scores["corpora"][name]["n"] for name in ("one", "two")] == [5, 1]
    assert len(events(folders[2]).Images("test/one/confusion")) == 1
