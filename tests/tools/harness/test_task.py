"""A corpus as a task of lmms-eval, and the harness itself on a trained checkpoint."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
import torch
import yaml

from emolit.corpora.manifest import Manifest
from emolit.prompts.direct import Direct
from tests.fakes.checkpoint import write_checkpoint
from tests.fakes.tones import write_tones
from tools.harness import task

ROOT = Path(__file__).parents[3]
PACKAGES = Path(os.environ.get("LMMS_EVAL", ROOT / ".lmms-eval"))
"""Of tools/locks/lmms_eval.txt; `make test-harness` puts them there."""
WITHOUT_CUDA = ROOT / "tests/fakes/harness_without_cuda.py"
EXPERIMENT = """
seed_everything: 0
trainer:
  accelerator: cpu
  devices: 1
  max_steps: 100
  default_root_dir: RUN
  limit_val_batches: 0
  num_sanity_val_steps: 0
  enable_progress_bar: false
  enable_model_summary: false
  gradient_clip_val: 1.0
  callbacks:
    - {class_path: AdapterCheckpoint, init_args: {filename: last, every_n_train_steps: 100}}
    - PredictionWriter
    - Report
prompt: {class_path: Direct, init_args: {question: "Which emotion? {options}", instruction: ""}}
data:
  class_path: Synthetic
  init_args:
    train_speakers: 12
    val_speakers: 1
    test_speakers: 2
    clips_per_speaker: 8
    root: DATA
    loading: {batch_size: 16, eval_batch_size: 5}
model:
  class_path: SupervisedFinetuning
  init_args:
    policy: Nano
    evaluator: Categorical
    sampling: {max_tokens: 6}
    optimizer: {class_path: torch.optim.AdamW, init_args: {lr: 3.0e-3}}
"""


def given(data: Path, checkpoint: Path, out: Path) -> list[str]:
    corpus = ["--data", "Manifest", "--data.path", "tones.csv", "--data.root", str(data)]
    return [*corpus, "--checkpoint", str(checkpoint), "--out", str(out)]


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "tones"
    folder.mkdir()
    write_tones(folder, speakers=4)
    return folder


def test_a_task_holds_what_a_test_serves(tmp_path, data, nano_folder, capsys):
    prompt = Direct("Which emotion? {options}", "")
    checkpoint = write_checkpoint(tmp_path / "shared", nano_folder, prompt)
    out = tmp_path / "task"
    assert task.main(given(data, checkpoint, out)) == 0
    assert "8 clips; ask by --tasks emolit_tones" in capsys.readouterr().out
    corpus = Manifest("tones.csv", root=str(data), prompt=prompt)
    corpus.setup("test")
    [batch] = corpus.test_dataloader()
    rows = lines(out / "clips.jsonl")
    assert [row["id"] for row in rows] == [clip.id for clip in batch.clips]
    assert [row["label"] for row in rows] == [clip.label for clip in batch.clips]
    assert {row["question"] for row in rows} == {"Which emotion? happy, sad"}
    for row, wave in zip(rows, batch.waveforms, strict=True):
        samples, rate = soundfile.read(row["audio"], dtype="float32")
        assert rate == batch.sampling_rate
        assert torch.equal(torch.from_numpy(samples), wave)
    text = (out / "emolit_tones.yaml").read_text("utf-8")
    assert "doc_to_visual: !function clips.read_sound" in text
    plain = yaml.safe_load(text.replace("!function ", ""))
    assert plain["dataset_kwargs"]["data_files"]["test"] == str(out / "clips.jsonl")
    assert plain["generation_kwargs"]["max_new_tokens"] == 8
    assert (out / "clips.py").read_text("utf-8") == task.CODE.read_text("utf-8")


def test_what_cannot_be_asked_is_said(tmp_path, data, nano_folder, capsys):
    assert task.main(given(data, tmp_path / "nothing", tmp_path / "task")) == 1
    assert "is not there" in capsys.readouterr().err


def emolit(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "emolit", *arguments], check=True, cwd=ROOT)


@pytest.fixture
def shared(tmp_path) -> Path:
    """A model that has learned some of the synthetic corpus, tested and exported."""
    run, root = str(tmp_path / "run"), str(tmp_path / "data")
    config = tmp_path / "experiment.yaml"
    config.write_text(EXPERIMENT.replace("RUN", run).replace("DATA", root))
    best = str(tmp_path / "run" / "last")
    emolit("fit", "--config", str(config))
    emolit("test", "--config", str(config), "--model.policy.checkpoint", best)
    emolit("export", best, "--out", str(tmp_path / "shared"))
    return tmp_path / "shared"


@pytest.mark.harness
def test_the_harness_hears_the_answers_of_emolit(tmp_path, shared):
    if not PACKAGES.is_dir():
        pytest.skip("needs lmms-eval; run `make test-harness`")
    sizes = (("root", tmp_path / "data"), ("train_speakers", 12), ("val_speakers", 1))
    sizes += (("test_speakers", 2), ("clips_per_speaker", 8))
    corpus = [text for name, value in sizes for text in (f"--data.{name}", str(value))]
    where = ["--checkpoint", str(shared), "--out", str(tmp_path / "task")]
    assert task.main(["--data", "Synthetic", *corpus, *where]) == 0
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "cache")}
    settings = ["--model", "qwen2_audio", "--batch_size", "1", "--log_samples"]
    settings += ["--model_args", f"pretrained={shared},device=cpu,device_map=auto"]
    settings += ["--tasks", "emolit_synthetic", "--include_path", str(tmp_path / "task")]
    settings += ["--output_path", str(tmp_path / "out")]
    subprocess.run(
        [sys.executable, "-P", str(WITHOUT_CUDA), *settings],
        check=True,
        cwd=tmp_path,
        env={**os.environ, **offline, "PYTHONPATH": str(PACKAGES)},
    )
    [samples] = (tmp_path / "out").rglob("*_samples_emolit_synthetic.jsonl")
    [results] = (tmp_path / "out").rglob("*_results.json")
    asked = [row["id"] for row in lines(tmp_path / "task" / "clips.jsonl")]
    heard = {asked[row["doc_id"]]: row["filtered_resps"] for row in lines(samples)}
    told = lines(tmp_path / "run" / "test" / "predictions-synthetic.jsonl")
    assert heard == {row["id"]: row["response"] for row in told}
    assert len(set(heard.values())) > 1, "a model that always says the same tells nothing"
    scores = json.loads((tmp_path / "run/test/scores.json").read_text())["corpora"]["synthetic"]
    found = json.loads(results.read_text())["results"]["emolit_synthetic"]["accuracy,none"]
    assert found == pytest.approx(scores["WA"])
