"""A tower on the frames of the clips says what it says on its whole window."""

import pytest
import torch
from transformers import AutoModelForMultimodalLM, AutoProcessor

from emolit.engine.towers.window import crop
from emolit.policies.nano import Nano
from emolit.types import Sampling
from tests.conftest import part


@pytest.mark.parametrize("rows", [slice(0, 1), slice(0, 5), slice(2, 4)])
def test_logits_equal_those_of_transformers_own_path_on_the_whole_window(nano_folder, batch, rows):
    """The truth is the model and processor as transformers alone loads and calls them."""
    some = part(batch, rows)
    policy = Nano(str(nano_folder))
    policy.build(reference=False, seed=0)
    inputs = policy.encode(some).inputs
    processor = AutoProcessor.from_pretrained(nano_folder)
    processor.tokenizer.padding_side = "left"
    texts = [
        processor.apply_chat_template(
            policy.conversation(question), add_generation_prompt=True, tokenize=False
        )
        for question in some.questions
    ]
    waves = [wave.numpy() for wave in some.waveforms]
    whole = processor(
        text=texts, audio=waves, sampling_rate=16_000, return_tensors="pt", padding=True
    )
    assert inputs["input_features"].shape[-1] < whole["input_features"].shape[-1]
    assert torch.equal(inputs["input_ids"], whole["input_ids"])
    model = AutoModelForMultimodalLM.from_pretrained(nano_folder).eval()
    with torch.no_grad():
        expected = model(**whole).logits[:, -1]
        torch.testing.assert_close(policy.base(**inputs).logits[:, -1], expected, atol=1e-5, rtol=0)


def test_no_more_padding_stays_than_the_convolutions_see():
    features, mask = torch.randn(2, 3, 100), torch.zeros(2, 100)
    mask[0, :30] = 1
    mask[1, :33] = 1
    short, seen = crop(features, mask)
    assert short.shape == (2, 3, 40)
    assert torch.equal(short, features[..., :40])
    assert torch.equal(seen, mask[:, :40])
    mask[1] = 1
    assert crop(features, mask)[0].shape == (2, 3, 100)


def test_the_window_is_whole_again_afterwards(nano_folder, batch):
    policy = Nano(str(nano_folder))
    policy.build(reference=True, seed=0)
    for network in (policy.base, policy.frozen_twin):
        tower = network.model.audio_tower
        before = tower.embed_positions.weight
        rollout = policy.sample(batch, 2, Sampling(max_tokens=2), seed=0, step=0)
        policy.reference_logprobs(rollout)
        assert tower.embed_positions.weight is before
        assert tower.config.max_source_positions == len(before) == 50
