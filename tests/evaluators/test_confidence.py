"""Two ways to say how sure a policy is, against scoring and counting by hand."""

from dataclasses import replace

import pytest
import torch

from emolit.errors import ConfigError, PolicyError
from emolit.evaluators.confidence import OptionProbability, SelfConsistency
from emolit.policies.nano import Nano
from emolit.prompts.direct import Direct
from emolit.prompts.reasoning import Reasoning
from emolit.types import Sampling
from tests.conftest import OPTIONS, part
from tests.tasks.toy import Table, asked

PROMPT = Direct()


@pytest.fixture(scope="module")
def policy(nano_folder):
    policy = Nano(str(nano_folder))
    policy.build(reference=False, seed=0)
    return policy


def answered(policy, batch, **sampling):
    drawn = policy.sample(batch, 1, Sampling(max_tokens=6, **sampling).greedy(), seed=0, step=0)
    return replace(drawn, responses=tuple(("no idea",) for _ in batch.clips))


def test_probabilities_are_those_of_the_replies_renormalized(policy, batch):
    """Imitation scores one reply a clip, each followed by the end token, on whole rows."""
    found = OptionProbability().weigh(policy, PROMPT, answered(policy, batch, stop=()))
    with torch.no_grad():
        sums = [
            policy.logprobs(
                policy.encode_targets(replace(batch, targets=(f"<answer>{name}</answer>",) * 5))
            ).sum(-1)
            for name in OPTIONS
        ]
    assert torch.allclose(found, torch.cat(sums, 1).double().softmax(1), atol=1e-6)
    assert found.dtype == torch.float64
    assert found.std(1).min() > 1e-4


def test_a_reply_that_ends_in_a_stop_string_has_no_end_token(policy, batch):
    replies = tuple((f"<answer>{name}</answer>", "sad") for name in (*OPTIONS, "sad"))
    told = policy.encode_responses(batch, replies, Sampling())
    end = policy.processor.tokenizer.eos_token_id
    last = told.tokens.gather(2, told.mask.sum(2, keepdim=True) - 1)
    assert (last[:, 0] != end).all()
    assert (last[:, 1] == end).all()
    assert told.responses == replies
    assert told.mask.sum() < told.mask.numel()


def test_probabilities_do_not_depend_on_the_batch(policy, batch):
    together = OptionProbability().weigh(policy, PROMPT, answered(policy, batch))
    alone = [
        OptionProbability().weigh(policy, PROMPT, answered(policy, part(batch, slice(i, i + 1))))
        for i in range(len(batch))
    ]
    assert torch.allclose(together, torch.cat(alone), atol=1e-5)


def test_a_policy_that_thinks_is_asked_behind_its_own_thoughts(policy, batch):
    """Other thoughts, other probabilities; what stood in the answer does not matter."""
    rows = {
        text: OptionProbability().weigh(
            policy,
            Reasoning(),
            replace(answered(policy, batch), responses=((text,),) * 5),
        )
        for text in (
            "<think>low and slow</think><answer>sad</answer>",
            "<think>low and slow</think><answer>happy",
            "<think>loud</think><answer>sad</answer>",
        )
    }
    one, same, other = rows.values()
    assert torch.equal(one, same)
    assert (one - other).abs().max() > 1e-5


def test_shares_are_those_of_the_samples_unreadable_ones_counted():
    policy = Table()
    with torch.no_grad():
        policy.logits.copy_(torch.tensor([[9.0, 0, 0, 0], [0, 0, 0, 9.0], [0, 0, 0, 0], [0] * 4]))
    batch = asked()
    first = policy.sample(batch, 1, Sampling().greedy(), 0, 0)
    consistency = SelfConsistency(samples=40)
    found = consistency.weigh(policy, PROMPT, first)
    drawn = policy.sample(batch, 40, Sampling(), 0, 0).tokens[:, :, 0]
    wanted = torch.nn.functional.one_hot(drawn, 4).double().mean(1)
    assert torch.equal(found, wanted)
    assert found[0, 0] > 0.9
    assert found[2].max() < 0.6
    narrow = replace(batch, options=("angry", "happy"))
    shares = consistency.weigh(policy, PROMPT, replace(first, batch=narrow))
    assert torch.equal(shares, wanted[:, :2])
    assert shares[1].sum() < 0.1


def test_few_samples_and_open_questions_are_refused():
    with pytest.raises(ConfigError, match="has 4 samples"):
        SelfConsistency(samples=4)
    with pytest.raises(ConfigError, match="temperature 0"):
        SelfConsistency(temperature=0)
    first = Table().sample(replace(asked(), options=()), 1, Sampling(), 0, 0)
    for confidence in (OptionProbability(), SelfConsistency()):
        with pytest.raises(ConfigError, match="these questions are open"):
            confidence.weigh(Table(), PROMPT, first)


def test_a_policy_that_cannot_be_told_what_to_say_is_named():
    first = Table().sample(asked(), 1, Sampling(), 0, 0)
    with pytest.raises(PolicyError, match="Table cannot score given replies"):
        OptionProbability().weigh(Table(), PROMPT, first)
