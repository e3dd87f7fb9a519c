"""The control trains for the time that GRPO took, chooses by validation and tests the choice."""

import json
import sys

import pytest

from tests.fakes.tones import write_tones
from tools import control

SFT = """
trainer:
  accelerator: cpu
  max_steps: 2
  num_sanity_val_steps: 0
  enable_progress_bar: false
  enable_model_summary: false
  logger: false
  callbacks:
    - {class_path: AdapterCheckpoint, init_args: {filename: best, monitor: val/tones/UA}}
    - {class_path: FitReport}
    - {class_path: Report}
prompt: Direct
data: {class_path: Manifest, init_args: {path: tones.csv, root: ROOT, loading: {batch_size: 8}}}
model:
  class_path: SupervisedFinetuning
  init_args:
    policy: {class_path: Nano, init_args: {checkpoint: null}}
    evaluator: {class_path: Categorical}
    sampling: {max_tokens: 6}
    optimizer: {class_path: torch.optim.AdamW, init_args: {lr: 1.0e-3}}
"""


@pytest.mark.slow
def test_the_best_rate_by_validation_is_tested(tmp_path, nano_folder, monkeypatch):
    write_tones(tmp_path / "data")
    configs, root = tmp_path / "configs", tmp_path / "demo"
    configs.mkdir()
    for name in ("sft", "test"):
        (configs / f"{name}.yaml").write_text(SFT.replace("ROOT", str(tmp_path / "data")))
    (root / "sft").mkdir(parents=True)
    (root / "sft" / "best").symlink_to(nano_folder)
    (root / "grpo").mkdir()
    (root / "grpo" / "fit.json").write_text('{"seconds": 6.2}')
    given = ["control.py", root, "--configs", configs, "--seed", 3, "--rates", 0.003, 1e-12]
    monkeypatch.setattr(sys, "argv", list(map(str, given)))
    control.main()
    scores = json.loads((root / "sft_continued" / "choice.json").read_text())
    assert set(scores) == {"0.003", "1e-12"}
    best = max(scores, key=scores.get)
    fit = json.loads((root / "control" / best / "fit.json").read_text())
    assert fit["best_score"] == scores[best]
    assert 5 < fit["seconds"] < 20
    tested = json.loads((root / "sft_continued" / "test" / "scores.json").read_text())
    assert (tested["seed"], tested["split"]) == (3, "test")


def test_a_run_without_a_validation_score_is_no_control(tmp_path):
    (tmp_path / "fit.json").write_text('{"seconds": 6.2, "best_score": null}')
    with pytest.raises(SystemExit, match="has no validation score"):
        control.best_score(tmp_path)
