"""Files of a corpus that break while a training reads them."""

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import soundfile
from lightning.pytorch import Callback, LightningModule, Trainer

Fault = Literal["vanishes", "garbage", "silent", "shorter", "numbers", "folder"]


class Saboteur(Callback):
    """Breaks the files of the clips that an epoch hears last.

    Args:
        fault: What becomes of them.
        batch: After which batch of the training.
        clips: How many break.
    """

    def __init__(self, fault: Fault, batch: int = 1, clips: int = 1) -> None:
        self.fault = fault
        self.batch = batch
        self.clips = clips

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if batch_idx + 1 == self.batch:
            loader = trainer.train_dataloader
            for index in loader.sampler.order()[-self.clips :].tolist():
                clip = loader.dataset.clips[index]
                spoil(loader.dataset.folders[clip.corpus] / clip.path, self.fault)


def spoil(path: Path, fault: Fault) -> None:
    """Break a file of sound."""
    wave, rate = soundfile.read(path)
    path.unlink()
    if fault == "garbage":
        path.write_bytes(np.random.default_rng(0).bytes(9_000))
    elif fault == "folder":
        path.mkdir()
    elif fault != "vanishes":
        wave = {"silent": 0 * wave, "shorter": wave[:1000], "numbers": wave / 0.0}[fault]
        soundfile.write(path, wave, rate, subtype="FLOAT")


class HeldOutSaboteur(Callback):
    """Takes two files of the validation away before it begins; writes how many clips it heard."""

    def __init__(self) -> None:
        self.heard = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        corpus = trainer.datamodule
        for clip in corpus.clips("val")[3:5]:
            spoil(corpus.folders[clip.corpus] / clip.path, "vanishes")

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self.heard += len(outputs.answers)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        target = Path(trainer.default_root_dir) / "heard.json"
        target.write_text(json.dumps({"val": self.heard}))
