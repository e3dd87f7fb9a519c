"""The reinforcement task: what it logs, refuses and learns."""

from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest
import torch

from emolit.advantages import Accepted, centered, standardized, standardized_by_batch
from emolit.advantages.base import flat
from emolit.affect.taxonomy import Taxonomy
from emolit.data.dataset import LoaderSettings
from emolit.demonstrations.chord import CHORD
from emolit.errors import ConfigError, PolicyError, RewardError
from emolit.evaluators.categorical import Categorical
from emolit.judges.guard import Guard
from emolit.objectives.dapo import DAPO
from emolit.objectives.grpo import GRPO
from emolit.policies.nano import Nano
from emolit.prompts.direct import Direct
from emolit.rewards.correct import Correct
from emolit.rewards.emotion_similarity import EmotionSimilarity
from emolit.rewards.well_formed import WellFormed
from emolit.rl.functional import k1
from emolit.rl.hints import Hints
from emolit.rl.kl import KL
from emolit.rl.schedule import CosineFade
from emolit.tasks.rl import ReinforcementFinetuning
from emolit.types import Clip, Sampling
from tests.tasks.toy import WORDS, Table, alone, asked


def task(policy=None, rewards=None, datamodule=None, **settings):
    made = ReinforcementFinetuning(
        policy=policy or Table(),
        objective=settings.pop("objective", GRPO(kl=0.0)),
        rewards=rewards or [Correct(), WellFormed(weight=0.5)],
        optimizer=partial(torch.optim.Adam, lr=0.1),
        evaluator=Categorical(Taxonomy(WORDS)),
        prompt=Direct(),
        **settings,
    )
    alone(made, datamodule=datamodule)
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


def test_advantages_weigh_by_how_rare_a_label_is_in_training():
    labels = ["angry"] * 6 + ["happy"] * 2 + ["neutral"] + ["sad"]
    clips = [Clip(str(i), "toy", "", label=label) for i, label in enumerate(labels)]
    watched = [Clip("w", "watched", "", label="sad")] * 9  # a member that is not trained on
    corpus = SimpleNamespace(
        clips=lambda split: [*clips, *watched] if split == "train" else [],
        training_names=("toy",),
        loading=LoaderSettings(),
    )
    made = task(label_balance=1.0, datamodule=corpus)
    plain = task().training_step(asked(), 0)["scored"].advantages
    found = made.training_step(asked(), 0)["scored"].advantages
    by_hand = torch.tensor([10 / 24, 10 / 8, 10 / 4, 10 / 4])  # 10 clips, 4 labels: 10 / (4 n)
    torch.testing.assert_close(found, plain * by_hand.unsqueeze(1))


def test_labels_that_are_not_there_cannot_be_balanced():
    with pytest.raises(ConfigError, match="no training clip has a label"):
        task(label_balance=0.5)
    with pytest.raises(ConfigError, match="choose it from 0 to 1"):
        task(label_balance=2.0)
    corpus = SimpleNamespace(
        clips=lambda _: [Clip("a", "toy", "", label="sad")],
        training_names=("toy",),
        loading=LoaderSettings(balance=1.0),
    )
    with pytest.raises(ConfigError, match="rare labels would count twice"):
        task(label_balance=0.5, datamodule=corpus)


def moved(made):
    """Let the policy leave its reference, unevenly."""
    with torch.no_grad():
        made.policy.logits.copy_(torch.linspace(-1, 1, 16).view(4, 4))
    return made


def test_a_kl_in_the_reward_is_taken_off_before_the_advantage():
    made = moved(task(reward_kl=KL(0.5, k1)))
    assert made.needs_reference
    scored = made.training_step(asked(), 0)["scored"]
    nats = (scored.rollout.behavior - scored.reference).squeeze(-1)
    torch.testing.assert_close(scored.advantages, standardized(scored.total - 0.5 * nats))
    torch.testing.assert_close(
        scored.total, scored.rewards["correct"] + 0.5 * scored.rewards["well_formed"]
    )
    assert made.logged["train/reward_kl"].item() == pytest.approx(nats.mean().item())
    assert "train/kl" not in made.logged


def test_rewards_can_be_normalized_one_by_one_before_the_sum():
    """GDPO: standardized in the group, weighted, standardized over the batch."""
    made = moved(task(per_reward=standardized, advantage=standardized_by_batch))
    scored = made.training_step(asked(), 0)["scored"]
    by_hand = standardized(scored.rewards["correct"])
    by_hand = by_hand + 0.5 * standardized(scored.rewards["well_formed"])
    torch.testing.assert_close(scored.advantages, standardized_by_batch(by_hand))


def test_what_a_reward_does_not_apply_to_stays_unscored_when_normalized():
    made = task(rewards=[Correct()], per_reward=standardized)
    rewards = {"correct": torch.tensor([[1.0, 0.0, float("nan")]])}
    seen = []
    made.advantage = lambda worth: seen.append(worth) or standardized(worth)
    assert made.compute_advantages(rewards, torch.zeros(1, 3), 0.0)[0, 2] == 0
    assert seen[0][0, 2].isnan()


def sharp(made):
    """Make two of four groups answer alike, one rightly and one wrongly."""
    with torch.no_grad():
        made.policy.logits[0, 0] = made.policy.logits[1, 0] = 50.0
    return made


def losses(made):
    """Return loss and gradient of a step."""
    loss = made.training_step(asked(), 0)["loss"]
    made.policy.zero_grad()
    loss.backward()
    return loss.detach(), made.policy.logits.grad.clone()


@pytest.mark.parametrize("objective", [GRPO, DAPO])
def test_skipping_flat_groups_changes_the_work_and_nothing_else(objective):
    scored_groups = []

    class Counting(Table):
        def logprobs(self, rollout):
            scored_groups.append(len(rollout.batch))
            return super().logprobs(rollout)

    found = {}
    for skips in (False, True):
        made = sharp(task(Counting(), objective=objective(), skip_flat_groups=skips))
        scored_groups.clear()
        found[skips] = losses(made)
        assert scored_groups[-1] == (2 if skips else 4)
        assert made.logged["train/flat_groups"] == 0.5
    for whole, part in zip(*found.values(), strict=True):
        torch.testing.assert_close(part, whole)
    assert found[True][1].abs().sum() > 0


def test_flat_groups_bear_a_kl_and_are_not_skipped():
    made = sharp(task(objective=GRPO(kl=0.1), skip_flat_groups=True))
    scored = made.training_step(asked(), 0)["scored"]
    assert made.groups_to_update(scored) is scored


def test_a_step_of_flat_groups_only_moves_nothing():
    made = task(skip_flat_groups=True)
    with torch.no_grad():
        made.policy.logits[:, 0] = 50.0
    loss, gradient = losses(made)
    assert loss == 0
    assert (gradient == 0).all()


def test_flat_groups_are_drawn_again_with_fresh_streams():
    made = task(group_size=2)
    before = made.score_rollout(made.rollout(asked()))
    made.redraws = 5
    after = made.score_rollout(made.rollout(asked()))
    level = flat(before.total)
    assert level.any()
    assert not level.all()
    assert not flat(after.total).any()
    kept = ~level
    assert torch.equal(after.rollout.tokens[kept], before.rollout.tokens[kept])
    assert after.rollout.batch is not None
    torch.testing.assert_close(after.rollout.behavior, made.policy.logprobs(after.rollout).detach())
    words = [[WORDS[token] for token in row] for row in after.rollout.tokens.squeeze(-1).tolist()]
    assert [list(group) for group in after.rollout.answers] == words
    again = made.score_rollout(made.rollout(asked()))
    assert torch.equal(again.rollout.tokens, after.rollout.tokens)


def test_hopeless_groups_are_drawn_again_only_so_often():
    made = sharp(task(redraws=3))
    seeds = []
    sample = made.policy.sample

    def counting(batch, *rest, seed, step):
        seeds.append((len(batch), seed))
        return sample(batch, *rest, seed=seed, step=step)

    made.policy.sample = counting
    made.training_step(asked(), 0)
    assert [size for size, _ in seeds] == [4, 2, 2, 2]
    assert len({seed for _, seed in seeds}) == 4


def test_what_rewards_count_adds_up_over_redraws():
    class Asked(Correct):
        counted = ("answers",)

        def score(self, clip, response, answer):
            self.counts["answers"] += 1
            return 0.0

    made = task(rewards=[Asked()], redraws=2, group_size=2)
    made.policy.logits.data[:, 0] = 50.0  # equal responses are scored once
    made.training_step(asked(), 0)
    assert made.logged["reward/asked_answers"].item() == 3 * 4


def test_every_reward_has_its_own_curve():
    made = task()
    steps(made, 1)
    assert {"reward/correct", "reward/correct_sd", "reward/well_formed"} <= made.logged.keys()
    assert "train/reward_sd" in made.logged
    assert made.logged["reward/well_formed"].item() == 1.0
    assert {"train/flat_groups", "train/parse_rate", "tokens/mean"} <= made.logged.keys()


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
    assert scored.rewards["well_formed"][:, 0].isnan().all()  # left out with its total
    assert (scored.advantages[:, 0] == 0).all()
    assert scored.response_count == 4 * 7
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


@pytest.mark.parametrize(
    ("reward", "refused"),
    [
        (Correct(weight=CosineFade()), "`weight` of the reward 'correct'"),
        (EmotionSimilarity(), "`alpha` of the reward 'emotion_similarity'"),
        (EmotionSimilarity(alpha=0.5), None),
    ],
)
def test_what_follows_a_training_without_end_is_refused(reward, refused):
    made = task(rewards=[reward])
    made._trainer = SimpleNamespace(estimated_stepping_batches=float("inf"), datamodule=None)
    message = f"{refused} changes over the training, which has no end"
    with pytest.raises(ConfigError, match=message) if refused else nullcontext():
        made.on_train_start()


def test_the_progress_bar_shows_reward_kl_and_speed():
    made = task(objective=GRPO(kl=0.1))
    steps(made, 1)
    assert made.on_bar == {"train/reward", "train/kl", "train/tokens_per_second"}


@pytest.mark.parametrize("skips", [False, True])
def test_accepted_responses_are_imitated_as_supervised_finetuning_would(skips):
    """By hand: minus the mean of grad log softmax over the accepted, p - onehot a response."""
    made = task(rewards=[Correct()], advantage=Accepted(), group_size=8, skip_flat_groups=skips)
    with torch.no_grad():
        made.policy.logits[0, 0] = made.policy.logits[1, 0] = 50.0  # all right; all wrong
    scored = made.score_rollout(made.rollout(asked()))
    right = scored.rollout.tokens.squeeze(-1) == torch.arange(4)[:, None]
    assert right[0].all()
    assert not right[1].any()
    assert 0 < right[2:].sum() < 16
    expected = torch.zeros(4, 4)
    for clip in range(4):
        for _ in range(int(right[clip].sum())):
            onehot = torch.eye(4)[clip]
            expected[clip] += made.policy.logits[clip].softmax(-1).detach() - onehot
    _, gradient = losses(made)
    torch.testing.assert_close(gradient, expected / right.sum())


def test_imitating_the_accepted_is_the_loss_of_the_supervised_task():
    """A batch whose every response is accepted has the gradient of its own targets."""
    rejection = task(rewards=[Correct()], advantage=Accepted(), group_size=3)
    with torch.no_grad():
        rejection.policy.logits.copy_(30 * torch.eye(4))
    _, gradient = losses(rejection)
    imitated = rejection.policy.encode_targets(asked())
    rejection.policy.zero_grad()
    (-rejection.policy.logprobs(imitated).sum() / imitated.mask.sum()).backward()
    torch.testing.assert_close(gradient, rejection.policy.logits.grad)


def test_rejection_sampling_learns_what_the_reward_asks_for():
    made = task(rewards=[Correct()], advantage=Accepted(), group_size=4)
    assert steps(made, 60)[-1] > 0.9


@pytest.mark.parametrize(("threshold", "refused"), [(1.5, False), (1.6, True)])
def test_a_threshold_that_no_total_can_reach_is_refused(threshold, refused):
    with pytest.raises(ConfigError, match="lower its threshold") if refused else nullcontext():
        task(advantage=Accepted(threshold))  # weights 1 and 0.5


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


@pytest.mark.parametrize(("group_size", "refused"), [(1, True), (2, False)])
def test_an_advantage_that_is_always_0_is_refused_before_training(group_size, refused):
    with pytest.raises(ConfigError, match="0 whatever the rewards") if refused else nullcontext():
        task(advantage=centered, group_size=group_size)


def test_responses_go_on_from_hints_and_are_scored_behind_them(nano_folder, batch):
    policy = Nano(str(nano_folder))
    policy.build(reference=False, seed=0)
    thought = "<think>a low and tired voice</think>"
    targets = tuple(f"{thought}<answer>{clip.label}</answer>" for clip in batch.clips)
    batch = replace(batch, targets=targets)
    made = task(policy, hints=Hints(0.5), demonstrations=CHORD(), sampling=Sampling(max_tokens=4))
    rollout = made.rollout(batch)
    begun = rollout.batch.begun
    assert any(begun) and not all(start == thought for start in begun)
    for start, group in zip(begun, rollout.responses, strict=True):
        assert all(text.startswith(start) for text in group)
    asked_so = replace(batch, questions=batch.questions, begun=begun)
    fresh = policy.logprobs(replace(rollout, batch=asked_so))
    torch.testing.assert_close(policy.logprobs(rollout), fresh, atol=2e-5, rtol=0)
    torch.testing.assert_close(rollout.behavior, fresh.detach(), atol=2e-5, rtol=0)
    plain = policy.logprobs(replace(rollout, batch=batch))
    assert (plain - fresh).abs().max() > 1e-3  # the hint is heard
    told = policy.encode_targets(rollout.batch)
    for start, reply, (text,) in zip(begun, targets, told.responses, strict=True):
        assert start + text == reply
    assert torch.isfinite(made.training_step(batch, 0)["loss"])
