"""Weighed answers behind sampled thoughts: the gradient of the expected reward, with less noise."""

from functools import partial

import pytest
import torch
from torch import nn

from emolit.advantages import leave_one_out
from emolit.affect.taxonomy import Taxonomy
from emolit.errors import ConfigError, RewardError
from emolit.evaluators.categorical import Categorical
from emolit.objectives.rloo import RLOO
from emolit.policies import Policy
from emolit.policies.nano import Nano
from emolit.prompts.reasoning import Reasoning
from emolit.rewards.correct import Correct
from emolit.tasks.enumerated_answers import EnumeratedAnswersFinetuning, shared_tokens
from emolit.tasks.rl import ReinforcementFinetuning
from emolit.types import Rollout, Sampling
from tests.tasks.toy import WORDS, alone, asked

THOUGHTS = ("low", "high", "…")
"""The last one never comes to an answer."""


class Thinker(Policy):
    """Says one of three thoughts, then a word: tables of logits of both. One clip."""

    def __init__(self):
        super().__init__()
        self.first = nn.Parameter(torch.tensor([0.3, -0.2, -0.5]))
        self.second = nn.Parameter(torch.tensor([[1.0, 0.2, -0.5, 0.0], [-0.3, 0.5, 0.8, -1.0]]))

    def build(self, reference, seed):
        pass

    def sample(self, batch, group_size, sampling, seed, step):
        draw = torch.Generator().manual_seed(1000 * seed + step)
        thoughts = torch.multinomial(self.first.softmax(0), group_size, True, generator=draw)
        spread = self.second.softmax(1)[thoughts.clamp(max=1)]
        words = torch.multinomial(spread, 1, generator=draw).squeeze(1)
        return self._rollout(batch, [list(zip(thoughts.tolist(), words.tolist(), strict=True))])

    def encode_responses(self, batch, replies, sampling):
        rows = []
        for group in replies:
            found = []
            for text in group:
                thought = text.split("</think>")[0].removeprefix("<think>")
                known = THOUGHTS.index(thought) if thought in THOUGHTS else 2
                found.append((known, WORDS.index(text[:-9].split("<answer>")[1])))
            rows.append(found)
        return self._rollout(batch, rows)

    def encode_targets(self, batch):
        raise AssertionError

    def _rollout(self, batch, rows):
        tokens = torch.tensor([[(t, 3 + w) for t, w in group] for group in rows])
        mask = torch.ones_like(tokens, dtype=torch.bool)
        mask[..., 1] = tokens[..., 0] < 2
        texts = tuple(
            tuple(
                f"<think>{THOUGHTS[t]}</think>" + (f"<answer>{WORDS[w]}</answer>" if t < 2 else "")
                for t, w in group
            )
            for group in rows
        )
        drawn = Rollout(
            batch, tokens, mask, torch.zeros(tokens.shape), mask[..., 1], texts, Sampling()
        )
        with torch.no_grad():
            drawn.behavior.copy_(self.logprobs(drawn))
        return drawn

    def logprobs(self, rollout):
        thought, word = rollout.tokens.unbind(-1)
        first = self.first.log_softmax(0)[thought]
        second = self.second.log_softmax(1)[thought.clamp(max=1), word - 3]
        return torch.stack([first, torch.where(rollout.mask[..., 1], second, 0.0)], dim=-1)

    def reference_logprobs(self, rollout):
        raise AssertionError

    def save(self, folder, state=None):
        raise AssertionError

    def gradient(self, loss):
        self.zero_grad()
        loss.backward()
        return torch.cat([self.first.grad, self.second.grad.flatten()])


def task(policy, kind=EnumeratedAnswersFinetuning, **settings):
    made = kind(
        policy=policy,
        rewards=[Correct()],
        optimizer=partial(torch.optim.Adam, lr=1e-2),
        evaluator=Categorical(Taxonomy(WORDS)),
        advantage=leave_one_out,
        prompt=Reasoning(),
        **settings,
    )
    return alone(made)


@pytest.fixture(autouse=True)
def counted(monkeypatch):
    for kind in (EnumeratedAnswersFinetuning, ReinforcementFinetuning):
        monkeypatch.setattr(kind, "global_step", property(lambda self: self._step))


def estimates(made, policy, number):
    found = []
    for step in range(number):
        made._step = step
        found.append(policy.gradient(made.training_step(asked(1), step)["loss"]))
    return torch.stack(found)


def test_its_mean_is_the_gradient_of_the_expected_reward_and_it_varies_less_than_samples():
    policy = Thinker()
    right = WORDS.index("angry")
    expected = (policy.first.softmax(0)[:2] * policy.second.softmax(1)[:, right]).sum()
    exact = policy.gradient(-expected)
    weighed = estimates(task(policy), policy, 1500)
    plain = task(policy, ReinforcementFinetuning, objective=RLOO())
    sampled = estimates(plain, policy, 1500)
    for found in (weighed, sampled):
        error = found.std(0) / 1500**0.5
        assert ((found.mean(0) - exact).abs() < 4 * error + 1e-6).all()
    assert weighed.var(0).sum() < 0.5 * sampled.var(0).sum()


@pytest.mark.parametrize("power", [0.5, 0.25])
def test_under_a_power_its_mean_is_the_gradient_of_what_thoughts_gain(power):
    """By hand: (V^power - 1) / power, and the thought that comes to no answer has a V of 1e-6."""
    policy = Thinker()
    values = torch.cat([policy.second.softmax(1)[:, WORDS.index("angry")], torch.tensor([1e-6])])
    exact = policy.gradient(-(policy.first.softmax(0) * (values**power - 1) / power).sum())
    found = estimates(task(policy, power=power), policy, 1500)
    error = found.std(0) / 1500**0.5
    assert ((found.mean(0) - exact).abs() < 4 * error + 1e-6).all()


@pytest.mark.parametrize("power", [0.0, 1.5, -1.0])
def test_a_power_that_is_none_is_refused(power):
    with pytest.raises(ConfigError, match=r"`power` of EnumeratedAnswersFinetuning is .* above 0"):
        task(Thinker(), power=power)


class Penalty(Correct):
    """Takes half a point where the answer is wrong."""

    def score(self, clip, response, answer):
        return super().score(clip, response, answer) - 0.5


def test_a_value_below_zero_has_no_power():
    made = task(Thinker(), group_size=16, power=0.5)
    made.rewards, made._step = nn.ModuleList([Penalty()]), 0
    with pytest.raises(RewardError, match=r"are worth -0\.5, and `power: 0\.5` needs rewards of 0"):
        made.training_step(asked(1), 0)


def test_a_thought_without_an_answer_keeps_its_own_reward():
    policy, made = Thinker(), task(Thinker(), group_size=16)
    made._step = 3
    outcome = made.training_step(asked(1), 0)
    scored = outcome["scored"]
    lost = torch.tensor([["<answer>" not in text for text in scored.rollout.responses[0]]])
    assert lost.any() and not lost.all()
    assert (scored.total[lost] == 0).all()
    share = 1 - lost.float().mean().item()
    assert made.logged["train/listed"].item() == pytest.approx(share)
    values = policy.second.softmax(1)[:, 0][scored.rollout.tokens[0, :, 0].clamp(max=1)]
    by_hand = torch.where(lost, 0.0, values)
    torch.testing.assert_close(scored.advantages, leave_one_out(by_hand))
    assert made.logged["train/value"].item() == pytest.approx(by_hand.mean().item())


def test_shared_tokens_end_where_the_first_reply_differs():
    def rollout(rows, lengths):
        tokens = torch.tensor([rows])
        mask = torch.arange(tokens.shape[2]) < torch.tensor([lengths]).unsqueeze(-1)
        texts = (("",) * len(rows),)
        zeros = torch.zeros(tokens.shape)
        return Rollout(asked(1), tokens, mask, zeros, mask[..., 0], texts, Sampling())

    drawn = rollout([[5, 6, 7, 1], [5, 6, 9, 0]], [4, 3])
    told = rollout([[5, 6, 7], [5, 6, 8], [5, 1, 9], [5, 6, 9]], [3, 3, 3, 3])
    shared, common = shared_tokens(drawn, told, 2)
    assert shared.tolist() == [[2, 1]] and common.tolist() == [[2, 1]]
    odd = rollout([[5, 4, 7, 1], [5, 6, 9, 0]], [4, 3])  # the second token is not that of its text
    shared, common = shared_tokens(odd, told, 2)
    assert shared.tolist() == [[1, 1]] and common.tolist() == [[2, 1]]


def test_a_real_model_lists_answers_behind_its_own_thoughts(nano_folder, batch):
    policy = Nano(str(nano_folder))
    policy.build(reference=False, seed=0)
    made = task(policy, group_size=2, sampling=Sampling(max_tokens=24))
    texts = ("<think>a low voice</think><answer>sad</answer>", "<think>no end")
    drawn = policy.encode_responses(batch, (texts,) * len(batch), made.sampling)
    answers = made.list_answers(drawn)
    assert answers.listed.tolist() == [[True, False]] * len(batch)
    shared = policy.processor.tokenizer.decode(drawn.tokens[0, 0, : answers.thoughts[0, 0]])
    assert shared == "<think>a low voice</think><answer>"
    assert answers.thoughts[0, 1] == drawn.mask[0, 1].sum()
    made._step = 0
    loss = made.training_step(batch, 0)["loss"]
    assert torch.isfinite(loss)


class Sometimes(Correct):
    """Does not apply to answers that are happy."""

    def score(self, clip, response, answer):
        return None if answer == "happy" else super().score(clip, response, answer)


@pytest.mark.parametrize("power", [1.0, 0.5])
def test_a_value_that_lacks_a_reward_is_left_out_without_a_trace_in_the_gradient(power):
    policy = Thinker()
    made = task(policy, group_size=16, power=power)
    made.rewards = nn.ModuleList([Sometimes()])
    made._step = 3
    found = policy.gradient(made.training_step(asked(1), 0)["loss"])
    assert torch.isfinite(found).all()


def test_truncated_sampling_is_refused():
    with pytest.raises(ConfigError, match="answers are weighed among all tokens"):
        task(Thinker(), sampling=Sampling(top_p=0.9))
