"""The tiny model is a normal Hugging Face folder."""

import hashlib
from dataclasses import replace

import pytest
import torch
from transformers import AutoProcessor, Qwen2AudioForConditionalGeneration

from emolit.errors import PolicyError
from emolit.policies.nano import Nano, NanoSize, write_nano

SMALL = NanoSize(seconds=1, mels=20, tower_width=16, tower_layers=1, width=16, layers=1, heads=2)


def weights(folder):
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def test_transformers_opens_it_without_emolit(nano_folder):
    model = Qwen2AudioForConditionalGeneration.from_pretrained(nano_folder)
    processor = AutoProcessor.from_pretrained(nano_folder)
    audio = torch.randn(8_000).numpy()
    inputs = processor(
        text="<|audio_bos|><|AUDIO|><|audio_eos|>Which emotion?",
        audio=[audio],
        sampling_rate=16_000,
        return_tensors="pt",
    )
    assert model(**inputs).logits.isfinite().all()


def test_the_seed_decides_the_weights_and_the_sizes_the_folder(tmp_path):
    first, again = write_nano(tmp_path / "a", SMALL, 0), write_nano(tmp_path / "b", SMALL, 0)
    other = write_nano(tmp_path / "a", SMALL, 1)
    assert weights(first) == weights(again) != weights(other)
    assert first.name == again.name != other.name


def test_building_leaves_the_global_random_state_alone(tmp_path):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    write_nano(tmp_path, SMALL, 0)
    assert torch.equal(torch.rand(1), expected)


def test_a_checkpoint_that_is_not_there_is_named(tmp_path):
    with pytest.raises(PolicyError, match="nowhere' is not there; train it first"):
        Nano(str(tmp_path / "nowhere")).build(reference=False, seed=0)


def test_every_text_comes_back_from_the_tokenizer(nano_folder):
    tokenizer = AutoProcessor.from_pretrained(nano_folder).tokenizer
    for text in ("<answer>sad</answer>", "très émue ÿ", "悲伤逆流成河"):
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_pictures_are_refused_by_a_policy_that_does_not_see(nano_folder, batch):
    policy = Nano(str(nano_folder))
    policy.build(reference=False, seed=0)
    frames = tuple(torch.zeros(2, 3, 8, 8, dtype=torch.uint8) for _ in batch.clips)
    with pytest.raises(PolicyError, match=r"Nano does not see pictures; set `loading\.frames` to"):
        policy.encode(replace(batch, frames=frames))
