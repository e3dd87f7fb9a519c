"""A causal language model without ears; the truth is transformers' own forward pass."""

from dataclasses import replace

import pytest
import torch

from emolit.engine.weights.adapters import Lora
from emolit.errors import PolicyError
from emolit.policies.nano import Nano
from emolit.policies.text_only import TextOnly
from emolit.types import Batch
from tests.fakes.models import reader
from tests.policies.contract import SAMPLING


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return reader(tmp_path_factory.mktemp("text"))


def built(folder, reference=False, **settings):
    policy = TextOnly(str(folder), **settings)
    policy.build(reference, seed=0)
    return policy


@pytest.fixture
def silent(batch) -> Batch:
    """Five questions of different lengths, no audio."""
    return replace(batch, waveforms=tuple(torch.zeros(0) for _ in batch.clips))


def test_log_probabilities_are_those_of_the_bare_model(folder, silent):
    policy = built(folder)
    rollout = policy.sample(silent, 2, SAMPLING, seed=0, step=0)
    found = policy.logprobs(rollout).detach()
    for b, question in enumerate(silent.questions):
        text = f"user\n{question}<|im_end|>\nassistant\n"
        prompt = policy.processor.tokenizer.encode(text)
        for g in range(2):
            tokens = rollout.tokens[b, g][rollout.mask[b, g]].tolist()
            row = torch.tensor([[*prompt, *tokens]])
            logits = policy.model(input_ids=row).logits[0, len(prompt) - 1 : -1].double()
            logits[:, policy.forbidden] = -torch.inf
            expected = logits.log_softmax(-1)[range(len(tokens)), tokens]
            torch.testing.assert_close(
                found[b, g][rollout.mask[b, g]].double(), expected, atol=1e-5, rtol=0
            )


def test_audio_changes_nothing(folder, batch, silent):
    policy = built(folder)
    heard = policy.sample(batch, 2, SAMPLING, seed=0, step=0)
    read = policy.sample(silent, 2, SAMPLING, seed=0, step=0)
    assert heard.responses == read.responses
    assert policy.window is None


def test_adapters_train_and_the_reference_stays(folder, silent, tmp_path):
    policy = built(folder, reference=True, lora=Lora(rank=2))
    trained = [weight for weight in policy.parameters() if weight.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=0.02)
    rollout = policy.encode_targets(silent)
    before = policy.reference_logprobs(rollout)
    losses = []
    for _ in range(5):
        loss = -policy.logprobs(rollout)[rollout.mask].mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert torch.equal(policy.reference_logprobs(rollout), before)
    policy.save(tmp_path / "adapter")
    again = built(tmp_path / "adapter")
    torch.testing.assert_close(again.logprobs(rollout), policy.logprobs(rollout))


def test_a_policy_that_hears_refuses_clips_without_audio(nano_folder, silent):
    policy = Nano(str(nano_folder))
    policy.build(reference=False, seed=0)
    with pytest.raises(PolicyError, match=r"'clip0' of 'toy' has no audio, only text; choose the"):
        policy.sample(silent, 2, SAMPLING, seed=0, step=0)
