"""`emolit listen`: listeners, readers and the deaf are told apart; a real checkpoint is asked."""

import csv
import json
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch import LightningModule

from emolit.commands import listen as command
from emolit.commands.listen import main
from emolit.prompts.direct import Direct
from emolit.types import Evaluation
from tests.fakes.checkpoint import write_checkpoint
from tests.fakes.tones import LABELS, write_tones


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    """Tones whose words name their label."""
    root = tmp_path_factory.mktemp("tones")
    table = write_tones(root, speakers=6, clips=8)
    with table.open() as file:
        rows = list(csv.DictReader(file))
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "transcript"])
        writer.writeheader()
        for number, row in enumerate(rows):
            split = "test" if row["speaker"] in ("s4", "s5") else row["split"]
            writer.writerow({**row, "split": split, "transcript": f"{row['label']} {number}"})
    return table


class Subject(LightningModule):
    """Answers by the pitch of a tone, by the words shown, or always the same."""

    def __init__(self, by):
        super().__init__()
        self.by = by

    def predict_step(self, batch, batch_idx):
        answers = tuple(map(self.answer, batch.clips, batch.waveforms))
        return Evaluation(batch, answers, answers)

    def answer(self, clip, wave):
        if self.by == "words" and clip.transcript:
            return clip.transcript.split()[0]
        if self.by != "sound" or not wave.any():
            return "sad"
        frequency = torch.fft.rfftfreq(len(wave), 1 / 16_000)[torch.fft.rfft(wave).abs().argmax()]
        return "happy" if frequency > 900 else "sad"


def hear(by, table, out, monkeypatch):
    subject = SimpleNamespace(
        prompt=Direct(),
        labels=LABELS,
        options=LABELS,
        window=None,
        sampling_rate=16_000,
        wants_transcript=True,
        module=lambda: Subject(by),
    )
    monkeypatch.setattr(command, "read_trained", lambda folder: subject)
    given = ["it", "--data", "Manifest", "--data.path", str(table), "--data.root"]
    assert main([*given, str(table.parent), "--out", str(out), "--resamples", "50"]) == 0
    return json.loads((out / "listen.json").read_text())["corpora"]["tones"]


def test_one_that_hears_follows_the_sound(tones, tmp_path, monkeypatch, capsys):
    found = hear("sound", tones, tmp_path, monkeypatch)
    for name in ("as it is", "same label", "another label", "another speaker", "sound alone"):
        assert found[name]["UA"] == 1.0, name
    assert found["silence"]["UA"] == found["words alone"]["UA"] == 0.5
    assert found["silence"]["change"] == -0.5
    assert found["another label"]["other_label"] == 0.0 and found["another label"]["same"] == 0.0
    assert found["contradicting words"]["other_label"] == 0.0
    assert found["as it is"]["n"] == 16
    assert "Does it listen? tones" in capsys.readouterr().out
    assert "| another label | 16 | 1.000 |" in (tmp_path / "listen.md").read_text()


def test_one_that_reads_follows_the_words(tones, tmp_path, monkeypatch):
    found = hear("words", tones, tmp_path, monkeypatch)
    assert found["as it is"]["UA"] == found["words alone"]["UA"] == 1.0
    assert found["sound alone"]["UA"] == found["silence"]["UA"] == 0.5
    assert found["contradicting words"]["UA"] == 0.0
    assert found["contradicting words"]["other_label"] == 1.0


def test_one_that_is_deaf_says_the_same_to_everything(tones, tmp_path, monkeypatch):
    found = hear("nothing", tones, tmp_path, monkeypatch)
    assert {each["UA"] for each in found.values()} == {0.5}
    assert {each["same"] for each in found.values()} == {1.0}
    assert {each.get("change", 0.0) for each in found.values()} == {0.0}


def test_a_real_checkpoint_is_asked_and_what_it_does_not_know_is_told(
    tones, tmp_path, nano_folder, capsys
):
    best = write_checkpoint(tmp_path / "best", nano_folder, labels=("happy", "calm"))
    given = [str(best), "--data", "Manifest", "--data.path", str(tones), "--data.root"]
    assert main([*given, str(tones.parent), "--out", str(tmp_path / "out")]) == 0
    report = json.loads((tmp_path / "out/listen.json").read_text())
    assert report["labels"] == ["happy", "calm"] and not report["shows_transcript"]
    found = report["corpora"]["tones"]
    assert found["as it is"]["n"] == 8 and found["another label"] is None
    assert "contradicting words" not in found
    strange = write_checkpoint(tmp_path / "strange", nano_folder, labels=("calm", "bored"))
    assert main([str(strange), *given[1:], str(tones.parent)]) == 2
    assert "No test clip has one of the labels ['calm', 'bored']" in capsys.readouterr().err
