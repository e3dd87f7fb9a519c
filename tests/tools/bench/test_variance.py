"""The noise of gradients: none of all options on one batch, some of samples."""

import json

import pytest
import torch

from emolit.rewards import Reward
from tests.fakes.checkpoint import write_checkpoint
from tests.fakes.tones import LABELS, write_tones
from tools.bench import variance


class SignsSaid(Reward):
    """Pays for the number of signs, so that an untrained model earns something."""

    def score(self, clip, response, answer):
        return len(response) % 7 / 7


def test_each_way_has_its_noise(tmp_path, nano_folder, capsys, monkeypatch):
    monkeypatch.setattr(variance, "Correct", SignsSaid)
    table = write_tones(tmp_path / "data", speakers=4)
    best = write_checkpoint(tmp_path / "best", nano_folder, labels=LABELS)
    target = tmp_path / "variance.json"
    given = [str(best), "--data", "Manifest", "--data.path", str(table), "--data.root"]
    given += [str(table.parent), "--rounds", "3", "--group", "2", "--target", str(target)]
    assert variance.main(given) == 0
    rows = json.loads(target.read_text())
    assert [row["clips"] for row in rows] == ["one batch"] * 2 + ["other batches"] * 2
    assert rows[0]["by"] == rows[2]["by"] == "2 samples" and rows[0]["ratio"] == 1.0
    assert rows[1]["by"] == "all options" and rows[1]["noise"] < 1e-6 < rows[0]["noise"]
    assert "noise of the gradient" in capsys.readouterr().out


def test_the_length_of_a_gradient_is_that_of_its_mean_without_what_noise_adds():
    """Draws of a known mean and a known variance: 50 rounds, 200 weights."""
    draw = torch.Generator().manual_seed(0)
    rows = []
    for spread in (2.0, 0.1):
        found = 1.0 + spread * torch.randn(50, 200, generator=draw, dtype=torch.float64)
        rows.append(variance.row_of("it", "one batch", found))
    variance.compare(rows)
    assert [row["signal"] for row in rows] == pytest.approx([200, 200], rel=0.1)
    assert [row["noise"] for row in rows] == pytest.approx([4.0, 0.01], rel=0.1)
    assert rows[1]["ratio"] == pytest.approx(400, rel=0.1)


def test_a_model_that_is_never_right_is_told(tmp_path, nano_folder, capsys):
    table = write_tones(tmp_path / "data", speakers=4)
    best = write_checkpoint(tmp_path / "best", nano_folder, labels=LABELS)
    given = [str(best), "--data", "Manifest", "--data.path", str(table), "--data.root"]
    assert variance.main([*given, str(table.parent), "--rounds", "2", "--group", "2"]) == 2
    assert "hardly a response was right" in capsys.readouterr().err
