"""GRPO through the real vLLM, on CPUs: `make test-vllm`."""

import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from emolit.engine.weights.adapters import Lora
from emolit.policies.nano import Nano
from emolit.policies.text_only import TextOnly
from emolit.rl.groups import clips_of
from emolit.rollouts.vllm_server import VLLMServer
from emolit.types import Sampling
from tests.fakes.models import reader
from tests.fakes.tones import write_tones
from tests.fakes.vllm_process import PYTHON, VLLMProcess, write_sharp_nano
from tests.rollouts.test_vllm_server import draw, gap, rows

pytestmark = pytest.mark.vllm
LOG = logging.getLogger(__name__)
STEPS = 6
BOUND = 1e-4
"""Nats a token; two engines in float32 are some 1e-6 apart."""
CONFIG = """
seed_everything: 3
trainer:
  accelerator: cpu
  devices: 1
  max_steps: 6
  limit_val_batches: 0
  num_sanity_val_steps: 0
  log_every_n_steps: 1
  enable_progress_bar: false
  enable_model_summary: false
  callbacks:
    - {class_path: AdapterCheckpoint, init_args: {filename: last, every_n_train_steps: 1}}
    - {class_path: RolloutJournal, init_args: {every_n_steps: 1, clips: 1}}
prompt: {class_path: Direct, init_args: {question: "Which emotion? {options}", instruction: ""}}
data:
  class_path: Manifest
  init_args: {path: tones.csv, root: ROOT, loading: {batch_size: 4}}
model:
  class_path: ReinforcementFinetuning
  init_args:
    policy: {class_path: Nano, init_args: {checkpoint: NANO}}
    objective: {class_path: GRPO, init_args: {kl: 0.0}}
    rewards:
      - {class_path: Length, init_args: {free: 2, fade: 10}}
      - {class_path: Diversity, init_args: {order: 1, tokenizer: en-13a, weight: 0.5}}
    evaluator: {class_path: Categorical}
    group_size: 4
    sampling: {max_tokens: 8}
    optimizer: {class_path: torch.optim.AdamW, init_args: {lr: 1.0e-2}}
    rollouts: {class_path: VLLMServer, init_args: {urls: [URL], max_gap: MAX_GAP, wait: WAIT}}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if not PYTHON.is_file():
        pytest.skip("needs an environment with vLLM; run `make test-vllm`")
    folder = tmp_path_factory.mktemp("vllm")
    audio = ("--limit-mm-per-prompt", '{"audio": 1}')
    made = VLLMProcess(write_sharp_nano(folder / "nano"), folder / "server.log", *audio)
    made.start()
    yield made
    made.kill()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tones")
    write_tones(folder, speakers=6)
    return folder


@pytest.fixture(scope="module")
def config(server, data, tmp_path_factory):
    """Return a function that writes a config."""

    def write(wait=600.0, max_gap="1.0e-4", engine="VLLMServer"):
        text = CONFIG.replace("ROOT", str(data)).replace("NANO", str(server.checkpoint))
        text = text.replace("URL", f'"{server.url}"').replace("MAX_GAP", max_gap)
        text = text.replace("WAIT", str(wait)).replace(
            "class_path: VLLMServer", f"class_path: {engine}"
        )
        path = tmp_path_factory.mktemp("config") / "grpo.yaml"
        path.write_text(text)
        return path

    return write


def begin(config: Path, root: Path, *more: object) -> subprocess.Popen:
    arguments = ["fit", "--config", config, "--trainer.default_root_dir", root, *more]
    root.mkdir(parents=True, exist_ok=True)
    with (root / "said.log").open("a") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "emolit", *map(str, arguments)],
            stdout=log,
            stderr=log,
            env={key: value for key, value in os.environ.items() if "proxy" not in key.lower()},
        )


def fit(config: Path, root: Path, *more: object) -> None:
    code = begin(config, root, *more).wait(timeout=1200)
    assert code == 0, (root / "said.log").read_text()[-3000:]


def curve(root: Path, name: str) -> list[float]:
    return [score.value for score in EventAccumulator(str(root / "fit")).Reload().Scalars(name)]


def responses(root: Path) -> dict[tuple[int, str], list[str]]:
    lines = map(json.loads, (root / "rollouts.jsonl").read_text().splitlines())
    return {(line["step"], line["clip"]): line["responses"] for line in lines}


def weights(root: Path) -> dict[str, torch.Tensor]:
    return load_file(root / "last/model.safetensors")


@pytest.fixture(scope="module")
def unbroken(config, tmp_path_factory):
    root = tmp_path_factory.mktemp("unbroken")
    fit(config(), root)
    return root


def test_training_and_vllm_agree_after_each_of_six_syncs(unbroken):
    gaps = curve(unbroken, "train/rollout_gap")
    LOG.info("gaps, one process: %s", gaps)
    assert len(gaps) == STEPS and max(gaps) < BOUND
    assert max(curve(unbroken, "train/rollout_gap_max")) < BOUND
    assert len(set(map(tuple, responses(unbroken).values()))) > STEPS  # there is something to learn


def test_two_processes_draw_the_rows_of_one(unbroken, config, tmp_path):
    two = ["--trainer.devices", 2, "--trainer.strategy", "ddp"]
    fit(config(), tmp_path, *two, "--data.init_args.loading.batch_size", 2)
    gaps = curve(tmp_path, "train/rollout_gap")
    LOG.info("gaps, two processes: %s", gaps)
    assert len(gaps) == STEPS and max(gaps) < BOUND
    assert responses(tmp_path).items() <= responses(unbroken).items()  # of the first process
    expected = weights(unbroken)  # and those of both have taught the same
    for name, weight in weights(tmp_path).items():
        torch.testing.assert_close(weight, expected[name], rtol=0, atol=1e-5)


def test_without_the_sync_the_gap_tells(config, tmp_path):
    unsynced = config(max_gap="null", engine="tests.fakes.vllm_process.Unsynced")
    fit(unsynced, tmp_path, "--model.init_args.optimizer.init_args.lr", 0.1)
    gaps = curve(tmp_path, "train/rollout_gap")
    LOG.info("gaps without sync: %s", gaps)
    assert gaps[0] < BOUND and min(gaps[1:]) > 1e-3


def test_a_run_whose_server_is_killed_stops_resumes_and_waits(unbroken, server, config, tmp_path):
    """Killed for good: a sentence, then `--ckpt_path last`. Killed and started again: it waits."""
    run = begin(config(wait=3.0), tmp_path)
    await_steps(run, tmp_path, 2)
    server.kill()
    assert run.wait(timeout=600) != 0
    said = (tmp_path / "said.log").read_text()
    assert "was away for 3 s" in said and "`--ckpt_path last`" in said
    server.start()
    run = begin(config(), tmp_path, "--ckpt_path", "last")
    await_steps(run, tmp_path, 4)
    server.kill()
    server.start(wait=False)
    assert run.wait(timeout=1200) == 0, (tmp_path / "said.log").read_text()[-3000:]
    assert max(curve(tmp_path, "train/rollout_gap")) < BOUND
    assert responses(tmp_path) == responses(unbroken)
    expected = weights(unbroken)
    for name, weight in weights(tmp_path).items():
        assert torch.equal(weight, expected[name]), name


def await_steps(run: subprocess.Popen, root: Path, steps: int) -> None:
    """Wait until a run has sampled in so many steps."""
    journal = root / "rollouts.jsonl"
    while not journal.is_file() or len({step for step, _ in responses(root)}) < steps:
        assert run.poll() is None, (root / "said.log").read_text()[-3000:]
        time.sleep(0.2)


def test_rows_depend_on_no_order(server, batch, tmp_path):
    server.await_health()
    policy = Nano(str(server.checkpoint))
    policy.build(reference=False, seed=0)
    few = clips_of(batch, range(3))
    together = rows(draw(VLLMServer([server.url], str(tmp_path)), policy, few))
    turned = draw(
        VLLMServer([server.url], str(tmp_path), limit=1), policy, clips_of(few, [2, 0, 1])
    )
    assert rows(turned) == together[4:] + together[:4]


@pytest.mark.parametrize(
    ("kind", "options"),
    [(TextOnly, ()), (Nano, ("--limit-mm-per-prompt", '{"audio": 1}'))],
)
def test_adapters_are_hot_loaded(batch, tmp_path, kind, options):
    """By a model that reads, and by a Qwen2-Audio, which emolit's plugin lets have adapters."""
    if not PYTHON.is_file():
        pytest.skip("needs an environment with vLLM; run `make test-vllm`")
    sharp = kind is Nano
    folder = write_sharp_nano(tmp_path) if sharp else reader(tmp_path, width=128, heads=4)
    options += ("--enable-lora", "--max-lora-rank", "8")
    made = VLLMProcess(folder, tmp_path / "server.log", *options)
    made.start()
    try:
        policy = kind(str(folder), Lora(rank=4))
        policy.build(reference=False, seed=0)
        engine = VLLMServer([made.url], str(tmp_path / "weights"))
        found, last = [], None
        for step in range(STEPS):
            rollout = draw(engine, policy, clips_of(batch, range(2)), step, Sampling(max_tokens=8))
            found.append(gap(policy, rollout))
            with torch.no_grad():
                for weight in policy.parameters():
                    if weight.requires_grad:
                        weight.add_(0.02 * torch.randn(weight.shape))
            last = gap(policy, rollout)
        LOG.info("largest gaps, adapters: %s; once the weights have moved: %s", found, last)
        assert max(found) < BOUND and last > 1e-3
    finally:
        made.kill()
