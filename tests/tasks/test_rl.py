"""The reinforcement task: what it logs, refuses and learns."""

from contextlib import nullcontext
from functools import partial
from types import SimpleNamespace

import pytest
import torch

from emolit.advantages import standardized
from emolit.errors import ConfigError, PolicyError, RewardError
from emolit.evaluators.categorical import Categorical
from emolit.guard import Guard
from emolit.objectives.grpo import GRPO
from emolit.prompts.direct import Direct
from emolit.rewards.correct import Correct
from emolit.rewards.well_formed import WellFormed
from emolit.schedule import CosineFade
from emolit.tasks.rl import ReinforcementFinetuning
from emolit.taxonomy import Taxonomy
from emolit.types import Sampling
from tests.tasks.toy import WORDS, Table, asked


def task(policy=None, rewards=None, **settings):
    made = ReinforcementFinetuning(
        policy=policy or Table(),
        objective=settings.pop("objective", GRPO(kl=0.0)),
        rewards=rewards or [Correct(), WellFormed(weight=0.5)],
        optimizer=partial(torch.optim.Adam, lr=0.1),
        evaluator=Categorical(Taxonomy(WORDS)),
        prompt=Direct(),
        **settings,
    )
    made._trainer = SimpleNamespace(precision_plugin=SimpleNamespace())
    made.setup("fit")
    made._trainer = None
    made.progress = lambda: 0.0
    made.logged = {}
    made.on_bar = set()

    def log_dict(values, prog_bar=False, **_):
        made.logged.update(values)
        made.on_bar |= set(values) if prog_bar else set()

    made.log_dict = log_dict
    return made


def steps(made, number, batch=None):
    optimizer = made.configure_optimizers()
    batch, rewards = batch or asked(), []
    for step in range(number):
        made._step = step
        loss = made.training_step(batch, step)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rewards.append(made.logged["train/reward"].item())
    return rewards


@pytest.fixture(autouse=True)
def counted(monkeypatch):
    """Give the task a step to draw by, as a trainer would."""
    step = property(lambda self: getattr(self, "_step", 0))
    monkeypatch.setattr(ReinforcementFinetuning, "global_step", step)


def test_the_reward_rises_above_nine_tenths_of_its_maximum():
    rewards = steps(task(), 60)
    assert sum(rewards[:3]) / 3 < 1.1
    assert sum(rewards[-5:]) / 5 > 0.9 * 1.5


def test_the_kl_to_the_reference_is_zero_at_the_start_and_holds_the_policy_back():
    free, held = task(objective=GRPO(kl=0.0)), task(objective=GRPO(kl=5.0))
    steps(held, 1)
    assert held.logged["train/kl"].item() == 0.0
    steps(free, 40)
    steps(held, 39)
    assert held.policy.logits.abs().max() < 0.5 * free.policy.logits.abs().max()


def test_total_and_advantage_are_the_weighted_sum_in_its_group():
    made = task()
    scored = made.training_step(asked(), 0)["scored"]
    expected = scored.rewards["correct"] + 0.5 * scored.rewards["well_formed"]
    torch.testing.assert_close(scored.total, expected)
    torch.testing.assert_close(scored.advantages, standardized(expected))


def test_every_reward_has_its_own_curve():
    made = task()
    steps(made, 1)
    assert {"reward/correct", "reward/correct_sd", "reward/well_formed"} <= made.logged.keys()
    assert "train/reward_sd" in made.logged
    assert made.logged["reward/well_formed"].item() == 1.0
    assert {"train/drift", "train/flat_groups", "train/parse_rate"} <= made.logged.keys()


class Flaky(Correct):
    """Fails on the first response of every clip."""

    def score_all(self, rollout):
        scores = super().score_all(rollout)
        scores[:, 0] = float("inf")
        return scores


def test_a_response_that_was_not_scored_is_left_out_and_counted():
    made = task(rewards=[Flaky(guard=Guard(on_error="skip")), WellFormed(weight=0.5)])
    with pytest.warns(UserWarning, match="not scored"):
        scored = made.training_step(asked(), 0)["scored"]
    assert scored.total[:, 0].isnan().all() and not scored.total[:, 1:].isnan().any()
    assert not scored.rewards["well_formed"].isnan().any()  # it still shows what it says
    assert (scored.advantages[:, 0] == 0).all()
    assert scored.count == 4 * 7
    assert made.logged["reward/flaky_unscored"] == 4
    rest = standardized(scored.total[:, 1:])
    torch.testing.assert_close(scored.advantages[:, 1:], rest)


def test_a_failure_stops_the_run_otherwise():
    with pytest.raises(RewardError, match="'flaky' on clip '0' of 'toy' returned inf"):
        task(rewards=[Flaky()]).training_step(asked(), 0)


def test_a_weight_follows_the_progress_of_the_rollout():
    made = task(rewards=[Correct(), WellFormed(weight=CosineFade(start=2.0))])
    made.progress = lambda: 0.5
    scored = made.training_step(asked(), 0)["scored"]
    expected = scored.rewards["correct"] + scored.rewards["well_formed"]
    torch.testing.assert_close(scored.total, expected)
    assert made.logged["reward/well_formed_weight"].item() == pytest.approx(1.0)


@pytest.mark.parametrize(("weight", "refused"), [(CosineFade(), True), (1.0, False)])
def test_a_weight_that_follows_a_training_without_end_is_refused(weight, refused):
    made = task(rewards=[Correct(weight=weight)])
    made._trainer = SimpleNamespace(estimated_stepping_batches=float("inf"), datamodule=None)
    with pytest.raises(ConfigError, match="has no end") if refused else nullcontext():
        made.on_train_start()


def test_the_progress_bar_shows_reward_kl_and_speed():
    made = task(objective=GRPO(kl=0.1))
    steps(made, 1)
    assert made.on_bar == {"train/reward", "train/kl", "train/tokens_per_second"}


def test_two_rewards_of_one_name_are_refused():
    with pytest.raises(ConfigError, match="'correct'"):
        task(rewards=[Correct(), Correct()])


def test_a_group_of_one_is_refused_by_a_group_advantage():
    with pytest.raises(ValueError, match="group_size is 1"):
        task(group_size=1).training_step(asked(), 0)


def test_greedy_sampling_is_refused():
    with pytest.raises(ConfigError, match=r"`sampling\.temperature` is 0"):
        task(sampling=Sampling(temperature=0.0))


def test_a_loss_that_is_not_finite_stops_and_names_the_clips():
    made = task()
    made.advantage = lambda total: total * float("nan")
    with pytest.raises(PolicyError, match=r"nan on the clips \['0', '1'"):
        made.training_step(asked(), 0)


def test_without_prompt_or_weights_the_message_says_what_to_do():
    made = task()
    made.prompt = None
    with pytest.raises(ConfigError, match="no `prompt` at its root"):
        made.training_step(asked(), 0)
    made.policy.requires_grad_(False)
    with pytest.raises(ConfigError, match="Nothing trains"):
        made.configure_optimizers()
