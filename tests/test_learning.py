"""Learning that only listening explains: which of two tones was played."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from emolit.advantages import (
    beta_normalized,
    centered,
    leave_one_out,
    standardized,
    standardized_by_batch,
)
from emolit.affect.taxonomy import Taxonomy
from emolit.corpora.manifest import Manifest
from emolit.data.dataset import LoaderSettings
from emolit.evaluators.categorical import Categorical
from emolit.objectives.bnpo import BNPO
from emolit.objectives.cispo import CISPO
from emolit.objectives.dapo import DAPO
from emolit.objectives.dr_grpo import DrGRPO
from emolit.objectives.grpo import GRPO
from emolit.objectives.gspo import GSPO
from emolit.objectives.real import REAL
from emolit.objectives.reinforce_plus_plus import ReinforcePlusPlus
from emolit.objectives.rloo import RLOO
from emolit.policies.nano import Nano, NanoSize
from emolit.prompts.direct import Direct
from emolit.rewards.correct import Correct
from emolit.tasks.rl import ReinforcementFinetuning
from emolit.tasks.sft import SupervisedFinetuning
from emolit.types import Sampling
from tests.command import emolit
from tests.fakes.tones import write_tones
from tests.tasks.toy import WORDS, Table, asked
from tests.test_house import plugins

DEMO = Path(__file__).parents[1] / "configs" / "experiments" / "demo" / "sft.yaml"
SIZE = NanoSize(seconds=1, mels=20, tower_width=32, tower_layers=1, width=32, layers=1, heads=2)
PROMPT = Direct("Which? {options}", instruction="")


@pytest.fixture(scope="module")
def batches(tmp_path_factory):
    """Batches of tones; in the second kind every clip has another clip's audio."""
    root = tmp_path_factory.mktemp("tones")
    write_tones(root, speakers=10, clips=8)
    corpus = Manifest(
        "tones.csv", root=str(root), prompt=PROMPT, loading=LoaderSettings(batch_size=16)
    )
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


PARTNERS = {
    GRPO: standardized,
    DrGRPO: centered,
    DAPO: standardized,
    GSPO: standardized,
    CISPO: standardized,
    RLOO: leave_one_out,
    ReinforcePlusPlus: standardized_by_batch,
    BNPO: beta_normalized,
    REAL: standardized,
}
"""Each objective with the advantage of its paper."""


def test_every_objective_has_a_partner():
    assert set(PARTNERS) == {plugin for _, plugin in plugins("objectives")}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("objective", PARTNERS)
def test_every_objective_learns_the_toy_problem(objective, seed, monkeypatch):
    monkeypatch.setenv("PL_GLOBAL_SEED", str(seed))
    step = property(lambda self: getattr(self, "_step", 0))
    monkeypatch.setattr(ReinforcementFinetuning, "global_step", step)
    task = ReinforcementFinetuning(
        Table(),
        objective(),
        [Correct()],
        partial(torch.optim.Adam, lr=0.05),
        Categorical(Taxonomy(WORDS)),
        advantage=PARTNERS[objective],
        prompt=Direct(),
    )
    task.progress = lambda: 0.0
    task.log_dict = lambda *_, **__: None
    rewards = train(task, [asked()], 200)
    assert sum(rewards[:3]) / 3 < 0.5
    assert sum(rewards[-10:]) / 10 > 0.9


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
