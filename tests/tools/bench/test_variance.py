"""The noise of gradients: none of all options on one batch, some of samples."""

import json

import pytest

from emolit.prompts.direct import Direct
from emolit.prompts.reasoning import Reasoning
from emolit.rewards import Reward
from tests.fakes.checkpoint import write_checkpoint
from tests.fakes.tones import LABELS, write_tones
from tools.bench import variance


class Length(Reward):
    """Pays for the number of signs, so that an untrained model earns something."""

    def score(self, clip, response, answer):
        return len(response) % 7 / 7


@pytest.mark.parametrize("prompt", [Direct(), Reasoning()], ids=["direct", "thinking"])
def test_each_way_has_its_noise(tmp_path, nano_folder, prompt, capsys, monkeypatch):
    monkeypatch.setattr(variance, "Correct", Length)
    table = write_tones(tmp_path / "data", speakers=4)
    best = write_checkpoint(tmp_path / "best", nano_folder, prompt=prompt, labels=LABELS)
    target = tmp_path / "variance.json"
    given = [str(best), "--data", "Manifest", "--data.path", str(table), "--data.root"]
    given += [str(table.parent), "--rounds", "3", "--group", "2", "--target", str(target)]
    assert variance.main(given) == 0
    rows = json.loads(target.read_text())
    assert [row["clips"] for row in rows] == ["one batch"] * 2 + ["other batches"] * 2
    assert rows[0]["by"] == rows[2]["by"] == "2 samples" and rows[0]["ratio"] == 1.0
    if prompt.layout.startswith("<answer>"):
        assert rows[1]["by"] == "all options" and rows[1]["noise"] < 1e-6
    else:
        assert rows[1]["by"] == "2 thoughts, all answers"
    assert "noise of the gradient" in capsys.readouterr().out


def test_a_model_that_is_never_right_is_told(tmp_path, nano_folder, capsys):
    table = write_tones(tmp_path / "data", speakers=4)
    best = write_checkpoint(tmp_path / "best", nano_folder, labels=LABELS)
    given = [str(best), "--data", "Manifest", "--data.path", str(table), "--data.root"]
    assert variance.main([*given, str(table.parent), "--rounds", "2", "--group", "2"]) == 2
    assert "no response was right" in capsys.readouterr().err
