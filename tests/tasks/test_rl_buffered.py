"""Several updates a rollout: what they are computed from, what they learn, what is refused."""

import math
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from emolit.affect.taxonomy import Taxonomy
from emolit.data.sampler import ClipLoader, ClipSampler
from emolit.errors import ConfigError
from emolit.evaluators.categorical import Categorical
from emolit.objectives.grpo import GRPO
from emolit.objectives.gspo import GSPO
from emolit.objectives.rloo import RLOO
from emolit.policies.nano import Nano
from emolit.prompts.direct import Direct
from emolit.rewards.correct import Correct
from emolit.rl.groups import clips_of
from emolit.rl.kl import AdaptiveKL
from emolit.tasks.rl import ReinforcementFinetuning
from emolit.tasks.rl_buffered import BufferedReinforcementFinetuning
from emolit.types import Sampling
from tests.conftest import OPTIONS
from tests.tasks.toy import WORDS, Table, alone, asked


def task(policy=None, kind=BufferedReinforcementFinetuning, **settings):
    settings = {"rewards": [Correct()], **settings}
    made = kind(
        policy=policy or Table(),
        objective=settings.pop("objective", GRPO(kl=0.0)),
        optimizer=settings.pop("optimizer", partial(torch.optim.Adam, lr=0.1)),
        evaluator=Categorical(Taxonomy(WORDS)),
        prompt=Direct(),
        **settings,
    )
    return alone(made, accumulate_grad_batches=1)


def steps(made, number, batch=None):
    """Make updates; return for each its scored rollout (None in between) and what was logged."""
    optimizer = made.configure_optimizers()
    batch, told = batch or asked(), []
    for step in range(number):
        made._step = step
        outcome = made.training_step(batch, step)
        optimizer.zero_grad()
        outcome["loss"].backward()
        optimizer.step()
        told.append((outcome.get("scored"), dict(made.logged)))
    return told


@pytest.fixture(autouse=True)
def counted(monkeypatch):
    """Give a task without a real trainer a step to draw by."""
    real = ReinforcementFinetuning.global_step

    def found(self):
        return real.fget(self) if isinstance(self._trainer, Trainer) else getattr(self, "_step", 0)

    step = property(found)
    monkeypatch.setattr(ReinforcementFinetuning, "global_step", step)


@pytest.mark.parametrize("seed", range(5))
def test_the_reward_rises_above_nine_tenths_of_its_maximum(seed, monkeypatch):
    monkeypatch.setenv("PL_GLOBAL_SEED", str(seed))
    told = steps(task(epochs=2, minibatches=2), 200)
    rewards = [scored.total.mean().item() for scored, _ in told if scored is not None]
    assert len(rewards) == 50
    assert sum(rewards[-5:]) / 5 > 0.9


def test_one_epoch_of_one_minibatch_is_the_simple_task():
    simple, buffered = task(kind=ReinforcementFinetuning), task(epochs=1)
    steps(simple, 5)
    steps(buffered, 5)
    assert torch.equal(simple.policy.logits, buffered.policy.logits)
    assert simple.policy.logits.abs().max() > 0.1


def test_a_rollout_is_sampled_once_a_window_and_the_first_update_has_ratio_one():
    told = steps(task(epochs=3), 7)
    assert [scored is not None for scored, _ in told] == [True, False, False] * 2 + [True]
    drift = [logged["train/drift"].item() for _, logged in told]
    assert drift[0] == drift[3] == drift[6] == 0.0
    assert all(drift[update] > 1e-4 for update in (1, 2, 4, 5))


def test_updates_equal_ppo_by_hand():
    """Two updates of one rollout, with gradients of the clipped surrogate written out."""
    made = task(epochs=2, optimizer=partial(torch.optim.SGD, lr=2.0))
    start = made.policy.logits.detach().clone()
    (scored, _), _ = steps(made, 2)
    logits = start
    for _ in range(2):
        logits = logits - 2.0 * gradient(logits, start, scored)
    torch.testing.assert_close(made.policy.logits.detach(), logits)


def gradient(logits, start, scored):
    """The gradient of the loss in a table of logits: minus A r (e_o - p) where not clipped."""
    tokens, advantages = scored.rollout.tokens[..., 0], scored.advantages
    total = torch.zeros_like(logits)
    for row in range(tokens.shape[0]):
        p, old = logits[row].softmax(0), start[row].softmax(0)
        for token, gain in zip(tokens[row], advantages[row], strict=True):
            ratio = p[token] / old[token]
            if (gain > 0 and ratio > 1.2) or (gain < 0 and ratio < 0.8):
                continue
            chosen = torch.nn.functional.one_hot(token, len(p)).float()
            total[row] -= gain * ratio * (chosen - p) / tokens.numel()
    return total


def test_a_minibatch_trains_its_own_groups_only():
    made = task(epochs=1, minibatches=2, optimizer=partial(torch.optim.SGD, lr=1.0))
    steps(made, 1)
    assert (made.policy.logits[:2].abs().sum(1) > 0).all()
    assert (made.policy.logits[2:] == 0).all()
    steps(made, 1)
    assert (made.policy.logits[2:].abs().sum(1) > 0).all()


def test_a_minibatch_divides_by_its_own_responses():
    made = task(minibatches=2)
    whole = made.score_rollout(made.rollout(asked()))
    total = whole.total.clone()
    total[0, :3] = float("nan")
    whole = replace(whole, total=total)
    assert [made.minibatch(whole, index).response_count.item() for index in (0, 1)] == [13, 16]


class Off(Table):
    """Says of its samples ln 2 more on the first clip, and ln 8 less on the second."""

    def sample(self, *arguments, **named):
        rollout = super().sample(*arguments, **named)
        off = torch.tensor([math.log(2), -math.log(8)]).view(2, 1, 1)
        return replace(rollout, behavior=rollout.behavior + off)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (ReinforcementFinetuning, {}),
        (BufferedReinforcementFinetuning, {"epochs": 2}),
        (BufferedReinforcementFinetuning, {"epochs": 1, "minibatches": 1}),
    ],
)
@pytest.mark.parametrize("objective", [GRPO, GSPO, RLOO])
def test_truncated_importance_weights_by_hand(kind, more, objective):
    """Training gives half, and eight times, the probability that sampling told; C is 2."""
    gradients = []
    for policy, cap in ((Off(), 2.0), (Table(), None)):
        made = task(policy, kind, objective=objective(), importance_cap=cap, **more)
        made.training_step(asked(2), 0)["loss"].backward()
        gradients.append(policy.logits.grad)
        if cap is not None:
            assert made.logged["train/importance"].item() == pytest.approx(1.25)
            assert made.logged["train/importance_capped"].item() == 0.5
    expected = gradients[1] * torch.tensor([[0.5], [2.0], [1.0], [1.0]])
    torch.testing.assert_close(gradients[0], expected)
    assert (expected[:2].abs().sum(1) > 0).all()


class Coarse(Table):
    """Samples in bfloat16, so that what it says of its samples is a little wrong."""

    def sample(self, *arguments, **named):
        rollout = super().sample(*arguments, **named)
        return replace(rollout, behavior=rollout.behavior.bfloat16().float())


def test_the_first_ratio_is_one_though_sampling_was_coarse():
    """What is clipped narrower than rounding is not clipped; the drift from sampling is shown."""
    narrow = GSPO(sequence_clip_low=1e-6, sequence_clip_high=1e-6)
    for cap in (None, 2.0):
        policy = Coarse()
        torch.nn.init.normal_(policy.logits, generator=torch.Generator().manual_seed(0))
        made = task(policy, importance_cap=cap, objective=narrow, minibatches=2)
        ((_, logged),) = steps(made, 1)
        assert logged["train/clipped"].item() == 0.0
        assert logged["train/drift"].item() > 1e-7
        assert ("train/importance" in logged) is (cap is not None)


@pytest.fixture
def heard(nano_folder):
    policy = Nano(str(nano_folder), freeze=["audio_tower"])
    policy.build(reference=True, seed=0)
    tower = policy.base.get_submodule("model.audio_tower")
    speak, calls = tower.forward.speak, []
    tower.forward.speak = lambda *given, **named: calls.append(1) or speak(*given, **named)
    return policy, calls


@pytest.mark.parametrize("minibatches", [1, 2])
def test_a_frozen_tower_is_heard_once_a_rollout_and_again_to_score_each_minibatch(
    heard, batch, minibatches
):
    policy, calls = heard
    made = task(
        policy,
        objective=GRPO(kl=0.1),
        epochs=3,
        minibatches=minibatches,
        sampling=Sampling(max_tokens=4),
        group_size=4,
    )
    made.evaluator = Categorical(Taxonomy(OPTIONS))
    made.advantage = lambda total: torch.linspace(-1, 1, 4).expand_as(total)
    steps(
        made, 3 * minibatches, clips_of(batch, range(1, 5))
    )  # the first batch checks the network too
    calls.clear()
    told = steps(made, 3 * minibatches, clips_of(batch, range(4)))
    assert told[0][1]["train/drift"].item() < 1e-9
    assert told[-1][1]["train/drift"].item() > 1e-4
    assert len(calls) == (1 if minibatches == 1 else 1 + 4 * minibatches)


def test_later_updates_are_scored_with_the_weights_of_their_time(nano_folder, batch):
    policy = Nano(str(nano_folder))
    policy.build(reference=False, seed=0)
    made = task(policy, epochs=2, sampling=Sampling(max_tokens=4), group_size=4)
    made.advantage = lambda total: torch.linspace(-1, 1, 4).expand_as(total)
    scored = steps(made, 1, clips_of(batch, range(4)))[0][0]
    found = policy.logprobs(scored.rollout)
    fresh = Nano(str(nano_folder))
    fresh.build(reference=False, seed=0)
    fresh.load_state_dict(policy.state_dict())
    torch.testing.assert_close(found, fresh.logprobs(scored.rollout))
    mask = scored.rollout.mask
    assert (found - scored.rollout.behavior)[mask].abs().max() > 1e-3


@pytest.mark.parametrize(("minibatches", "together"), [(1, 2), (2, 3), (2, 4)])
def test_two_passes_of_one_rollout_in_one_optimizer_step_are_refused(minibatches, together):
    trainer = SimpleNamespace(
        precision_plugin=SimpleNamespace(), callbacks=[], accumulate_grad_batches=together
    )
    made = task(epochs=2, minibatches=minibatches)
    made._trainer = trainer
    with pytest.raises(ConfigError, match=f"is {together} and `minibatches` is {minibatches}"):
        made.setup("fit")
    once = task(epochs=1, minibatches=minibatches)
    once._trainer = trainer
    once.setup("fit")


def fit(folder, checkpoint=None, more=(), together=1, **settings):
    """Train for two epochs of two rollouts with four updates each, saving after every update."""
    made = task(epochs=2, minibatches=2, **settings)
    loader = ClipLoader(
        range(8),
        batch_size=4,
        sampler=ClipSampler([8], training=True),
        collate_fn=lambda ids: clips_of(asked(8), range(ids[0] // 4 * 4, ids[0] // 4 * 4 + 4)),
        drop_last=True,
    )
    loader.repeats = 4
    saver = ModelCheckpoint(folder, "{step}", every_n_train_steps=1, save_top_k=-1)
    Trainer(
        accelerator="cpu",
        max_epochs=2,
        callbacks=[saver, *more],
        accumulate_grad_batches=together,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    ).fit(made, loader, ckpt_path=checkpoint)
    return made.policy.logits.detach()


@pytest.mark.filterwarnings("ignore:The dirpath has changed")
@pytest.mark.filterwarnings("ignore:You defined a `validation_step`")
def test_a_training_resumed_after_any_update_ends_with_the_same_weights(tmp_path):
    settings = {"objective": GRPO(kl=0.1), "importance_cap": 2.0}
    whole = fit(tmp_path / "whole", policy=Table(8), **settings)
    found = sorted((tmp_path / "whole").glob("*.ckpt"), key=lambda path: int(path.stem[5:]))
    assert len(found) == 16
    for step in (1, 2, 4, 7, 8, 9, 15):
        rest = fit(tmp_path / str(step), found[step - 1], policy=Table(8), **settings)
        assert torch.equal(rest, whole), step
        held = "rollout" in torch.load(found[step - 1], weights_only=True)
        assert held is (step % 4 != 0), step


class SaveAlways(Callback):
    """Saves behind every batch, also inside a window."""

    def __init__(self, folder):
        self.folder, self.batches = folder, 0

    def on_train_batch_end(self, trainer, *_):
        self.batches += 1
        trainer.save_checkpoint(self.folder / f"batch={self.batches}.ckpt")


@pytest.mark.filterwarnings("ignore:The dirpath has changed")
@pytest.mark.filterwarnings("ignore:You defined a `validation_step`")
def test_a_checkpoint_inside_a_window_holds_rollout_and_price_of_its_beginning(tmp_path):
    def run(name, checkpoint=None, more=()):
        policy, kl = Table(8), AdaptiveKL(0.1, target=1e-3)
        settings = {"together": 2, "more": more, "objective": GRPO(kl=kl), "policy": policy}
        return fit(tmp_path / name, checkpoint, **settings), kl.coefficient

    whole = run("whole", more=[SaveAlways(tmp_path)])
    for batch in (1, 2, 3, 5, 7, 9, 15):
        rest = run(str(batch), tmp_path / f"batch={batch}.ckpt")
        assert torch.equal(rest[0], whole[0]), batch
        assert rest[1] == whole[1], batch


@pytest.mark.filterwarnings("ignore:You defined a `validation_step`")
def test_a_rollout_that_was_restored_and_not_yet_used_is_saved_again(tmp_path):
    fit(tmp_path, policy=Table(8))
    checkpoint = torch.load(tmp_path / "step=2.ckpt", weights_only=True)
    made = task(epochs=2, minibatches=2, policy=Table(8))
    made._trainer = SimpleNamespace(
        world_size=1,
        global_rank=0,
        state=SimpleNamespace(fn="fit"),
        datamodule=None,
        strategy=None,
        accumulate_grad_batches=1,
    )
    made.on_load_checkpoint(checkpoint)
    again = {"state_dict": made.state_dict()}
    made.on_save_checkpoint(again)
    assert again["rollout"][0]["update"] == 2
    assert again["rollout"][0]["scored"] is checkpoint["rollout"][0]["scored"]


def test_another_batch_between_updates_is_refused():
    made = task(epochs=2)
    steps(made, 1)
    with pytest.raises(ConfigError, match="Update 2 of 2 of a rollout got another batch"):
        made.training_step(asked(3), 1)


def test_minibatches_must_divide_the_batch():
    with pytest.raises(ConfigError, match=r"has 4 prompts .* 3 minibatches"):
        task(minibatches=3).training_step(asked(), 0)


@pytest.mark.parametrize(
    ("name", "value"), [("epochs", 0), ("minibatches", -1), ("importance_cap", 0.0)]
)
def test_settings_without_meaning_are_refused(name, value):
    with pytest.raises(ConfigError, match=f"`{name}` is {value}"):
        task(**{name: value})
