"""What a run says about itself."""

import json
import shlex
import time

import pytest
from lightning.pytorch import Trainer
from lightning.pytorch.demos.boring_classes import BoringModel

from emolit.callbacks.fit_report import FitReport
from emolit.engine.weights.selection import selection_of
from tests.command import emolit
from tests.fakes.tones import write_experiment


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


MONITOR = """  callbacks:
    - ValidateStart
    - {class_path: AdapterCheckpoint, init_args: {filename: best, monitor: val/tones/UA}}
    - FitReport
"""


def test_a_run_says_each_score_its_best_and_what_comes_next(tmp_path, nano_folder, capsys):
    config = write_experiment(tmp_path, nano_folder, speakers=4)
    text = config.read_text().replace("  callbacks:\n", MONITOR)
    config.write_text("\n".join(line for line in text.splitlines() if "Watch" not in line))
    root = tmp_path / "we ird$(id)"
    emolit("fit", "--config", config, "--trainer.default_root_dir", root, "--trainer.max_epochs", 2)
    printed = capsys.readouterr().out.splitlines()
    told = [line for line in printed if ": val/tones/UA" in line]
    assert [line.split(":")[0] for line in told] == ["step 0", "step 2", "step 4", "best"]
    selection = selection_of(root / "best")
    assert told[-1].startswith(f"best: val/tones/UA {selection['score']:.3f} at step 0, the untou")
    assert told[-1].endswith(f", in {root / 'best'}")
    assert selection["step"] == 0  # no token is an answer yet, so nothing beats the start
    assert told[0].endswith(", the first")
    assert told[1].endswith(f", best so far: {selection['score']:.3f}")
    (command,) = (line for line in printed if line.startswith("next: emolit test "))
    assert f"  or: emolit predict --checkpoint '{root / 'best'}' FILES" in printed
    emolit(*shlex.split(command.removeprefix("next: emolit ")))  # as it stands
    assert json.loads((root / "test/scores.json").read_text())["corpora"]["tones"]["n"] == 8
    assert (root / "test/predictions-tones.jsonl").is_file()
