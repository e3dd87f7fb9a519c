"""What has no gradient runs like everything else: fit, choose, test, answers on file."""

import json

import pytest

from emolit.errors import ConfigError
from emolit.tasks.estimator_fitting import EstimatorFitting
from tests.command import emolit
from tests.fakes.tones import write_tones

CONFIG = """
seed_everything: 3
trainer:
  accelerator: cpu
  devices: 1
  max_epochs: 1
  num_sanity_val_steps: 0
  enable_progress_bar: false
  enable_model_summary: false
  callbacks:
    - {class_path: AdapterCheckpoint, init_args: {filename: best, monitor: UA}}
    - {class_path: FitReport}
prompt: Direct
data: {class_path: Manifest, init_args: {path: tones.csv, root: ROOT, loading: {batch_size: 1}}}
model:
  class_path: EstimatorFitting
  init_args:
    policy: {class_path: POLICY}
    evaluator: {class_path: Categorical, init_args: {confidence: [OptionProbability]}}
"""


def write(folder, policy):
    write_tones(folder / "data", speakers=4)
    text = CONFIG.replace("ROOT", str(folder / "data")).replace("POLICY", policy)
    (folder / "run.yaml").write_text(text)
    return folder / "run.yaml"


def run(config, *options):
    folder = ["--trainer.default_root_dir", config.parent / "run", "--overwrite", "true"]
    emolit("fit", "--config", config, *folder, *options)
    checkpoint = ["--model.init_args.policy.init_args.checkpoint", config.parent / "run/best"]
    emolit("test", "--config", config, *folder, *checkpoint)


def test_the_most_frequent_label_is_one_step_and_its_answers_are_those_of_every_run(tmp_path):
    config = write(tmp_path, "Majority")
    run(config)
    report = json.loads((tmp_path / "run/fit.json").read_text())
    assert (report["steps"], report["monitor"]) == (1, "val/tones/UA")
    assert report["best_score"] == 0.5
    lines = (tmp_path / "run/test/predictions-tones.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert {row["answer"] for row in rows} == {"happy"}  # as frequent as "sad", and the first
    assert rows[0]["probabilities"]["probability"] == {"happy": 0.5, "sad": 0.5}
    assert list(rows[0]) == [
        "id", "corpus", "speaker", "target", "response", "answer", "rewards", "probabilities"
    ]  # fmt: skip
    scores = json.loads((tmp_path / "run/test/scores.json").read_text())
    assert scores["checkpoint"]["selection"]["step"] == 1
    assert scores["corpora"]["tones"]["UA"] == 0.5


def test_functionals_tell_high_tones_from_low_ones_that_they_have_not_heard(tmp_path):
    pytest.importorskip("opensmile", reason="needs the extra baselines: research only")
    run(write(tmp_path, "Functionals"))
    scores = json.loads((tmp_path / "run/test/scores.json").read_text())
    assert scores["corpora"]["tones"]["UA"] == 1.0


def test_clips_that_an_epoch_drops_are_told(tmp_path):
    config = write(tmp_path, "Majority")
    with pytest.warns(UserWarning, match="saw 15 of 16 training clips"):
        run(config, "--data.init_args.loading.batch_size", 5)


def test_a_second_epoch_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"`trainer.max_epochs` is 2; set it to 1"):
        run(write(tmp_path, "Majority"), "--trainer.max_epochs", 2)


def test_several_processes_are_refused(monkeypatch):
    monkeypatch.setattr(EstimatorFitting, "processes", 2)
    with pytest.raises(ConfigError, match=r"set `trainer.devices: 1`"):
        EstimatorFitting.on_fit_start(EstimatorFitting.__new__(EstimatorFitting))


def test_a_test_of_what_was_never_fitted_is_refused(tmp_path):
    config = write(tmp_path, "Majority")
    with pytest.raises(ConfigError, match=r"Majority was never fitted, .* RUN/best"):
        emolit("test", "--config", config, "--trainer.default_root_dir", tmp_path / "run")
    assert not (tmp_path / "run/test/scores.json").exists()


@pytest.mark.filterwarnings("ignore:Be aware that when using `ckpt_path`")
def test_lightnings_own_checkpoint_is_a_fit_too(tmp_path):
    config = write(tmp_path, "Majority")
    run(config)
    again = ["--trainer.default_root_dir", tmp_path / "again", "--weights_only", "false"]
    emolit("test", "--config", config, *again, "--ckpt_path", tmp_path / "run/best.ckpt")
    first, second = (
        json.loads((tmp_path / f"{name}/test/scores.json").read_text()) for name in ("run", "again")
    )
    assert second["corpora"] == first["corpora"]
