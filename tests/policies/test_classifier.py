"""A policy whose replies are labels is a softmax over them, by torch's own formulas."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from emolit.affect.taxonomy import Taxonomy
from emolit.errors import ConfigError, PolicyError
from emolit.evaluators.categorical import Categorical
from emolit.evaluators.confidence import OptionProbability
from emolit.policies.classifier import Classifier
from emolit.prompts.direct import Direct
from emolit.tasks.sft import SupervisedFinetuning
from emolit.types import Sampling
from tests.tasks.toy import WORDS, asked


class Lookup(Classifier):
    """Logits by clip."""

    def __init__(self, checkpoint=None, taxonomy=None):
        super().__init__(checkpoint, taxonomy)

    def new_settings(self):
        return {"clips": 4}

    def make(self, seed):
        self.table = nn.Parameter(torch.randn(self.settings["clips"], len(self.labels)))

    def logits(self, batch):
        return self.table[torch.tensor([int(clip.id) for clip in batch.clips])]


@pytest.fixture
def policy():
    made = Lookup(taxonomy=Taxonomy(WORDS))
    made.build(reference=False, seed=0)
    return made


def test_imitation_is_cross_entropy_in_value_and_gradient(policy):
    task = SupervisedFinetuning(
        policy=policy,
        optimizer=partial(torch.optim.SGD, lr=0.1),
        evaluator=Categorical(Taxonomy(WORDS)),
        prompt=Direct(),
    )
    task.log = lambda *_, **__: None
    loss = task.training_step(asked(), 0)["loss"]
    expected = cross_entropy(policy.table, torch.arange(4))
    torch.testing.assert_close(loss, expected)
    (found,), (wanted,) = (torch.autograd.grad(each, [policy.table]) for each in (loss, expected))
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_labels_are_drawn_as_often_as_they_are_probable(policy, temperature):
    sampling = Sampling(temperature=temperature)
    rollout = policy.sample(asked(), 4_000, sampling, seed=0, step=0)
    shares = torch.stack([group.bincount(minlength=4) for group in rollout.tokens[..., 0]]) / 4_000
    expected = (policy.table / temperature).softmax(-1)
    torch.testing.assert_close(shares, expected.detach(), atol=0.03, rtol=0)
    torch.testing.assert_close(policy.logprobs(rollout), rollout.behavior)
    entropy = -(expected * expected.log()).sum(-1).detach()
    torch.testing.assert_close(rollout.entropy[:, 0, 0], entropy)
    assert rollout.responses[0][0] == f"<answer>{WORDS[rollout.tokens[0, 0, 0]]}</answer>"


def test_a_draw_depends_on_its_clip_alone(policy):
    batch = asked()
    whole = policy.sample(batch, 5, Sampling(), seed=0, step=0).tokens
    some = replace(
        batch, clips=batch.clips[2:], targets=batch.targets[2:], waveforms=batch.waveforms[2:]
    )
    assert torch.equal(policy.sample(some, 5, Sampling(), seed=0, step=0).tokens, whole[2:])
    assert not torch.equal(policy.sample(batch, 5, Sampling(), seed=0, step=1).tokens, whole)


def test_what_top_k_left_out_stays_out_in_scoring(policy):
    rollout = policy.sample(asked(), 8, Sampling(top_k=2), seed=0, step=0)
    best = policy.table.topk(2).indices
    assert all(set(group.flatten().tolist()) <= set(two.tolist())
               for group, two in zip(rollout.tokens, best, strict=True))  # fmt: skip
    torch.testing.assert_close(policy.logprobs(rollout), rollout.behavior)


def test_a_question_that_offers_fewer_labels_gets_one_of_these(policy):
    batch = replace(asked(), options=("sad", "angry", "shy"))
    answers = policy.sample(batch, 1, Sampling().greedy(), seed=0, step=0)
    offered = policy.table[:, [0, 3]]
    expected = [("angry", "sad")[place] for place in offered.argmax(-1)]
    assert [group[0] for group in answers.responses] == [f"<answer>{e}</answer>" for e in expected]
    shares = OptionProbability().weigh(policy, Direct(), answers)
    angry, sad = offered.double().softmax(-1).unbind(-1)
    wanted = torch.stack([sad, angry, torch.zeros(4)], dim=-1)
    torch.testing.assert_close(shares, wanted.detach(), atol=1e-6, rtol=0)


def test_a_question_of_strange_labels_and_a_strange_target_are_refused(policy):
    with pytest.raises(PolicyError, match=r"offers \['shy'\]"):
        policy.sample(replace(asked(), options=("shy",)), 1, Sampling(), seed=0, step=0)
    odd = replace(asked(), targets=("<answer>shy</answer>",) * 4)
    with pytest.raises(PolicyError, match="'<answer>shy</answer>', and Lookup says"):
        policy.encode_targets(odd)
    thought = replace(asked(), targets=("<think>Hm.</think><answer>sad</answer>",) * 4)
    with pytest.raises(PolicyError, match="use the prompt `Direct`"):
        policy.encode_targets(thought)


def test_a_saved_one_answers_alike_and_keeps_its_labels(policy, tmp_path):
    policy.save(tmp_path / "best")
    again = Lookup(str(tmp_path / "best"), Taxonomy(("happy", "sad")))
    again.build(reference=False, seed=1)
    assert again.labels == WORDS
    rollout = policy.encode_targets(asked())
    assert torch.equal(again.logprobs(rollout), policy.logprobs(rollout))


def test_a_folder_of_another_kind_a_reference_and_no_labels_are_refused(policy, tmp_path):
    policy.save(tmp_path / "best")
    other = type("Other", (Lookup,), {})(str(tmp_path / "best"))
    with pytest.raises(PolicyError, match="holds no Other"):
        other.build(reference=False, seed=0)
    with pytest.raises(ConfigError, match="`kl: 0`"):
        Lookup(taxonomy=Taxonomy(WORDS)).build(reference=True, seed=0)
    with pytest.raises(ConfigError, match="needs labels"):
        Lookup().build(reference=False, seed=0)
