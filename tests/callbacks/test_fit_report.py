"""What a run says about itself."""

import json
import time

import pytest
from lightning.pytorch import Trainer
from lightning.pytorch.demos.boring_classes import BoringModel

from emolit.callbacks.fit_report import FitReport


@pytest.mark.filterwarnings("ignore:The number of training batches")
def test_seconds_add_up_over_a_resume_and_leave_out_the_time_between(tmp_path):
    def run(epochs, resume=None):
        report = FitReport()
        trainer = Trainer(
            default_root_dir=tmp_path,
            accelerator="cpu",
            max_epochs=epochs,
            limit_train_batches=3,
            limit_val_batches=0,
            enable_checkpointing=False,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[report],
        )
        trainer.fit(BoringModel(), ckpt_path=resume, weights_only=False)
        trainer.save_checkpoint(tmp_path / "last.ckpt")
        return json.loads((tmp_path / "fit.json").read_text())

    started = time.perf_counter()
    first = run(1)
    time.sleep(0.5)
    second = run(2, tmp_path / "last.ckpt")
    assert (first["steps"], second["steps"]) == (3, 6)
    assert 0 < first["seconds"] <= second["seconds"] < time.perf_counter() - started - 0.4
    assert first["monitor"] is first["mode"] is first["best_score"] is None
