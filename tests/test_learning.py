"""Learning that only listening explains: which of two tones was played."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from emolit.corpora.manifest import Manifest
from emolit.evaluators.categorical import Categorical
from emolit.loading import Loading
from emolit.objectives.grpo import GRPO
from emolit.policies.nano import Nano, NanoSize
from emolit.prompts.direct import Direct
from emolit.rewards.correct import Correct
from emolit.tasks.rl import ReinforcementFinetuning
from emolit.tasks.sft import SupervisedFinetuning
from emolit.types import Sampling
from tests.command import emolit
from tests.fakes.tones import write_tones

DEMO = Path(__file__).parents[1] / "configs" / "experiments" / "demo" / "sft.yaml"
SIZE = NanoSize(seconds=1, mels=20, tower_width=32, tower_layers=1, width=32, layers=1, heads=2)
PROMPT = Direct("Which? {options}", instruction="")


@pytest.fixture(scope="module")
def batches(tmp_path_factory):
    """Batches of tones; in the second kind every clip has another clip's audio."""
    root = tmp_path_factory.mktemp("tones")
    write_tones(root, speakers=10, clips=8)
    corpus = Manifest("tones.csv", root=str(root), prompt=PROMPT, loading=Loading(batch_size=16))
    corpus.prepare_data()
    corpus.setup()
    heard = list(corpus.train_dataloader())
    waveforms = [wave for batch in heard for wave in batch.waveforms]
    order = torch.randperm(len(waveforms), generator=torch.Generator().manual_seed(0)).tolist()
    mixed = [waveforms[i] for i in order]
    shuffled = [
        replace(batch, waveforms=tuple(mixed[16 * i : 16 * i + 16]))
        for i, batch in enumerate(heard)
    ]
    return corpus, heard, shuffled


def warm(corpus, shuffled, folder):
    """Teach the reply's form, but no listening: the audio is that of other clips."""
    task = SupervisedFinetuning(
        Nano(None, size=SIZE, folder=str(folder)),
        partial(torch.optim.AdamW, lr=3e-3),
        Categorical(corpus.taxonomy),
        prompt=PROMPT,
    )
    task.policy.build(reference=False, seed=0)
    task.log = lambda *_, **__: None
    train(task, shuffled, 60)
    task.policy.save(folder / "warm")
    return folder / "warm"


def train(task, batches, steps):
    optimizer = task.configure_optimizers()
    rewards = []
    for step in range(steps):
        task._step = step
        result = task.training_step(batches[step % len(batches)], step)
        optimizer.zero_grad()
        result["loss"].backward()
        torch.nn.utils.clip_grad_norm_(task.policy.parameters(), 1.0)
        optimizer.step()
        if "scored" in result:
            rewards.append(result["scored"].total.mean().item())
    return rewards


def reinforced(checkpoint, corpus, batches, monkeypatch):
    step = property(lambda self: getattr(self, "_step", 0))
    monkeypatch.setattr(ReinforcementFinetuning, "global_step", step)
    task = ReinforcementFinetuning(
        Nano(str(checkpoint)),
        GRPO(kl=0.0),
        [Correct()],
        partial(torch.optim.AdamW, lr=3e-3),
        Categorical(corpus.taxonomy),
        prompt=PROMPT,
        sampling=Sampling(max_tokens=6),
    )
    task.policy.build(reference=False, seed=0)
    task.progress = lambda: 0.0
    task.log_dict = lambda *_, **__: None
    rewards = train(task, batches, 80)
    return sum(rewards[-8:]) / 8


def test_grpo_learns_to_hear_and_cannot_with_audio_of_other_clips(batches, tmp_path, monkeypatch):
    corpus, heard, shuffled = batches
    checkpoint = warm(corpus, shuffled, tmp_path)
    hearing = reinforced(checkpoint, corpus, heard, monkeypatch)
    deaf = reinforced(checkpoint, corpus, shuffled, monkeypatch)
    assert hearing > 0.9
    assert deaf < 0.75


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*could not find the monitored key")
def test_the_demo_stays_at_chance_with_audio_of_other_clips(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    emolit(
        *["fit", "--config", DEMO, "--data", "tests.fakes.shuffled.Shuffled"],
        *["--data.init_args.root", tmp_path, "--trainer.enable_progress_bar", False],
    )
    fit = json.loads((tmp_path / "runs" / "demo" / "sft" / "fit.json").read_text())
    assert fit["steps"] == 160
    assert fit["best_score"] < 1 / 4 + 0.09  # three standard errors of 224 clips
