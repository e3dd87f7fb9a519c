"""Learning that depends on the sound: a policy that hears is told from one that does not."""

from dataclasses import replace

import pytest
import torch

from emolit.advantages import centered
from emolit.errors import ConfigError
from emolit.policies.nano import Nano
from emolit.rewards.correct import Correct
from emolit.rl.functional import k3, masked_mean
from emolit.rl.perception import Perception, silence
from emolit.tasks.rl_buffered import BufferedReinforcementFinetuning
from emolit.types import Sampling
from tests.tasks import test_rl_buffered
from tests.tasks.test_rl import counted, task
from tests.tasks.toy import WORDS, Table, asked

__all__ = ["counted"]  # the fixture that gives these tasks a step


class Ear(Table):
    """The toy policy, which says ``happy`` to silence and else what its table says."""

    def _heard(self, batch):
        return torch.tensor([bool(wave.any()) for wave in batch.waveforms])

    def sample(self, batch, group_size, sampling, seed, step):
        drawn = super().sample(batch, group_size, sampling, seed, step)
        tokens = drawn.tokens.clone()
        tokens[~self._heard(batch)] = WORDS.index("happy")
        return self._rollout(batch, tokens, sampling)


def heard(number=4):
    return replace(asked(number), waveforms=(torch.ones(1),) * number)


def test_only_what_is_beyond_the_answer_to_silence_is_paid():
    made = task(
        policy=Ear(), rewards=[Correct(), Correct(0.5, name="again")],
        advantage=centered, beyond_silence=True,
    )  # fmt: skip
    scored = made.training_step(heard(), 0)["scored"]
    happy = WORDS.index("happy")
    beyond = scored.total.clone()
    beyond[happy] = 0.0  # silence is right about this clip, and wrong about all others
    torch.testing.assert_close(scored.advantages, centered(beyond))
    assert scored.total[happy].any()  # curves show what responses earn


class Counting(Correct):
    """Counts what it scores."""

    counted = ("seen",)

    def score(self, clip, response, answer):
        self.counts["seen"] += 1
        return super().score(clip, response, answer)


def test_what_rewards_count_adds_up_and_silence_is_asked_once_a_clip():
    made = task(policy=Ear(), rewards=[Counting()], beyond_silence=True)
    asks, sample = [], made.policy.sample
    made.policy.sample = lambda *given, **named: asks.append(1) or sample(*given, **named)
    rollout = made.rollout(heard())
    made.compute_rewards(rollout)
    before = made.rewards[0].counts["seen"]
    assert made.worth_of_silence(rollout).tolist() == [[float(w == "happy")] for w in WORDS]
    assert len(asks) == 2
    assert made.rewards[0].counts["seen"] == before + len(WORDS)
    assert task(rewards=[Correct()]).worth_of_silence(rollout) is None


def test_where_nothing_is_heard_or_a_store_would_fill_up_it_is_refused():
    deaf, keeper = Ear(), Ear()
    deaf.hears, keeper.store = False, "folder"
    with pytest.raises(ConfigError, match="`perception` compares with silence, and Ear hears"):
        task(policy=deaf, perception=0.1)
    with pytest.raises(ConfigError, match="`beyond_silence` compares with silence"):
        task(policy=deaf, beyond_silence=True)
    with pytest.raises(ConfigError, match="silences other 50% of each clip"):
        task(policy=keeper, perception=Perception(masked=0.5))
    task(policy=keeper, perception=Perception(masked=1.0))


@pytest.fixture
def policy(nano_folder):
    policy = Nano(str(nano_folder))
    policy.build(reference=False, seed=0)
    return policy


@pytest.mark.parametrize("kind", ["one update", "several"])
def test_the_term_is_the_divergence_from_the_policy_in_silence(policy, batch, kind, monkeypatch):
    monkeypatch.setattr(BufferedReinforcementFinetuning, "global_step", property(lambda self: 0))
    perception = Perception(0.5, cap=100.0)
    make = task if kind == "one update" else test_rl_buffered.task
    settings = {"policy": policy, "rewards": [Correct()], "sampling": Sampling(max_tokens=6)}
    plain = make(**settings).training_step(batch, 0)["loss"]
    made = make(**settings, perception=perception)
    outcome = made.training_step(batch, 0)
    rollout = outcome["scored"].rollout
    deaf = policy.logprobs(replace(rollout, batch=silence(batch)))
    nats = masked_mean(k3(policy.logprobs(rollout), deaf, rollout.mask), rollout.mask)
    assert made.logged["train/perception"].item() == pytest.approx(nats.item(), rel=1e-3)
    assert outcome["loss"].item() == pytest.approx(plain.item() - 0.5 * nats.item(), abs=1e-5)


def test_training_by_it_makes_answers_depend_on_the_sound(policy, batch):
    made = task(
        policy=policy, rewards=[Correct()], perception=Perception(1.0, cap=5.0),
        sampling=Sampling(max_tokens=3),
    )  # fmt: skip
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-3)
    found = []
    for step in range(12):
        made._step = step
        optimizer.zero_grad()
        made.training_step(batch, step)["loss"].backward()
        optimizer.step()
        found.append(made.logged["train/perception"].item())
    assert found[-1] > 3 * found[0]
