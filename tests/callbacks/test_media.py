"""What other loggers get of a run: read back by wandb, MLflow and from the disk."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from lightning.pytorch.loggers import CSVLogger, Logger, MLFlowLogger, WandbLogger
from matplotlib import image

from emolit.callbacks.media import media, way
from emolit.callbacks.pictures import Pictures
from emolit.callbacks.reward_histograms import RewardHistograms
from emolit.callbacks.rollout_journal import RolloutJournal
from emolit.callbacks.run_board import RunBoard
from emolit.types import Clip
from tests.callbacks.tiny import Loader, Told, batch_of, rollout, tone, trainer

SCORED = rollout([["<answer>sad</answer>", "# no"]], [["sad", None]])
REPLIES = {"a": ("sad", "sad"), "b": ("?", None)}


def run(folder: Path, logger: Logger) -> None:
    """Train a step with rollouts and validate, all callbacks on."""
    clips = (Clip("a", "one", "a.wav", "sad"), Clip("b", "one", "b.wav", "angry"))
    loader = Loader(batch_of(*clips))
    writers = [RunBoard(), RolloutJournal(), RewardHistograms(), Pictures()]
    made = trainer(folder, *writers, logger=logger)
    made.fit(Told(REPLIES, scored=SCORED), loader, loader)
    for each in media(made):  # nothing that a logger cannot show may fail
        each.add_histogram("none", torch.ones(2), 1)
        each.begin(0)


def check_files(folder: Path) -> None:
    """The page, the sound and the picture as files."""
    page = (folder / "rollouts/0/step-00000001.md").read_text(encoding="utf-8")
    assert "clip 0" in page and "unreadable" in page
    sound, rate = soundfile.read(folder / "rollouts/0/step-00000001.wav")
    assert rate == 16_000
    np.testing.assert_allclose(sound, tone(0).numpy(), atol=1e-4)
    pixels = image.imread(folder / "val/one/confusion/step-00000001.png")
    assert len(np.unique(pixels.reshape(-1, pixels.shape[-1]), axis=0)) > 10
    assert "sad" in (folder / "val/one/answers/step-00000001.md").read_text(encoding="utf-8")


def test_beside_the_table_of_csvlogger_lie_files(tmp_path):
    run(tmp_path, CSVLogger(tmp_path, name="", version="fit"))
    check_files(tmp_path / "fit" / "media")
    assert "train/reward" in (tmp_path / "fit" / "metrics.csv").read_text().splitlines()[0]
    assert "task: Told" in (tmp_path / "fit" / "hparams.yaml").read_text()


@pytest.mark.filterwarnings("ignore")  # of MLflow and what it imports
def test_mlflow_gets_artifacts(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    logger = MLFlowLogger("tones", tracking_uri=f"file:{tmp_path / 'mlruns'}")
    run(tmp_path, logger)
    client, kept = logger.experiment, logger.run_id
    check_files(Path(client.download_artifacts(kept, "media", str(tmp_path))))
    found = client.get_run(kept).data
    assert found.metrics["train/reward"] == 0.25
    assert found.params["task"] == "Told"


@pytest.mark.filterwarnings("ignore")  # of wandb and what it imports
def test_wandb_gets_pages_sounds_and_pictures_offline(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    for name in ("WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "own"))
    logger = WandbLogger(project="tones", save_dir=tmp_path, offline=True)
    run(tmp_path, logger)
    shown, files = dict(logger.experiment.summary), Path(logger.experiment.dir)
    logger.experiment.finish()
    assert shown["train/reward"] == 0.25
    assert shown["none"]["_type"] == "histogram"
    kinds = {
        "rollouts/0/text": "html-file",
        "rollouts/0/sound": "audio",
        "val/one/confusion": "images",
    }
    for tag, kind in kinds.items():
        assert shown[tag]["_type"].startswith(kind), tag
    assert len(list(files.glob("media/audio/**/*.wav"))) == 1
    (page,) = files.glob("media/html/rollouts/**/*.html")
    assert "<table>" in page.read_text(encoding="utf-8")


def test_a_logger_without_a_way_of_its_own_gets_settings_and_numbers(tmp_path):
    class Plain(CSVLogger): ...

    class Other(Logger): ...

    assert way(Plain).__name__ == "FolderMedia"
    assert way(Other).__name__ == "Media"
