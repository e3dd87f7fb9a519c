"""Stored features and stored answers of a frozen tower equal fresh ones."""

from dataclasses import replace

import pytest
import torch

from emolit.policies.nano import Nano
from emolit.types import Sampling
from tests.conftest import part


def built(folder, store, **settings):
    policy = Nano(str(folder), store=str(store), **settings)
    policy.build(reference=False, seed=0)
    return policy


def test_features_are_made_once_a_clip_and_equal_fresh_ones(nano_folder, batch, tmp_path):
    fresh = Nano(str(nano_folder))
    fresh.build(reference=False, seed=0)
    first, later = (built(nano_folder, tmp_path) for _ in range(2))
    expected = fresh.encode(batch).inputs
    for policy, made in ((first, 5), (later, 0)):
        found = policy.encode(batch).inputs
        assert policy.store.made == made
        assert found.keys() == expected.keys()
        for name in expected:
            shorter = expected[name].shape[-1]  # with a store the padding stays
            assert torch.equal(found[name][..., :shorter], expected[name])
    louder = replace(batch, waveforms=tuple(0.5 * wave for wave in batch.waveforms))
    later.encode(louder)
    assert later.store.made == 5
    assert type(later.processor.feature_extractor).__name__ == "WhisperFeatureExtractor"


def test_a_frozen_tower_is_asked_once_a_clip_over_runs(nano_folder, batch, tmp_path):
    frozen = {"freeze": ["audio_tower"]}
    plain = Nano(str(nano_folder), **frozen)
    plain.build(reference=False, seed=0)
    rollout = plain.sample(batch, 2, Sampling(max_tokens=4), seed=0, step=0)
    expected = plain.logprobs(rollout)
    built(nano_folder, tmp_path, **frozen).logprobs(rollout)
    later = built(nano_folder, tmp_path, **frozen)
    runs = []
    later.base.model.audio_tower.conv1.register_forward_hook(lambda *_: runs.append(1))
    later._checked = True  # the self-check listens to silence too
    torch.testing.assert_close(later.logprobs(rollout), expected, atol=1e-5, rtol=0)
    half = part(batch, slice(1, 3))
    later.sample(half, 2, Sampling(max_tokens=4), seed=0, step=0)
    assert runs == []


@pytest.mark.parametrize("change", ["weights", "damage"])
def test_what_is_stale_or_damaged_is_made_again(nano_folder, batch, tmp_path, change):
    frozen = {"freeze": ["audio_tower"]}
    first = built(nano_folder, tmp_path / "store", **frozen)
    rollout = first.encode_targets(batch)
    before = first.logprobs(rollout)
    entries = list((tmp_path / "store").rglob("*.safetensors"))
    if change == "damage":
        for entry in entries:
            entry.write_bytes(entry.read_bytes()[:-5])
        again = built(nano_folder, tmp_path / "store", **frozen)
        torch.testing.assert_close(again.logprobs(rollout), before, atol=1e-5, rtol=0)
        assert again.store.made >= 10
        return
    with torch.no_grad():
        first.base.model.audio_tower.layer_norm.weight.mul_(-20)
    first.save(tmp_path / "other")
    again = built(tmp_path / "other", tmp_path / "store", **frozen)
    fresh = Nano(str(tmp_path / "other"), **frozen)
    fresh.build(reference=False, seed=0)
    torch.testing.assert_close(again.logprobs(rollout), fresh.logprobs(rollout), atol=1e-5, rtol=0)
    assert (again.logprobs(rollout) - before).abs().max() > 1e-4


def test_a_tower_that_trains_is_never_stored(nano_folder, batch, tmp_path):
    policy = built(nano_folder, tmp_path)
    policy.logprobs(policy.encode_targets(batch)).sum().backward()
    assert policy.store.made == 5  # features only
    assert policy.base.model.audio_tower.conv1.weight.grad.abs().max() > 0


def test_sound_that_is_drawn_anew_is_neither_looked_up_nor_kept(nano_folder, batch, tmp_path):
    policy = built(nano_folder, tmp_path, freeze=["audio_tower"])
    policy._checked = True  # the self-check listens to silence too
    runs = []
    policy.base.model.audio_tower.conv1.register_forward_hook(lambda *_: runs.append(1))
    policy.logprobs(policy.encode_targets(batch))
    kept = sorted(tmp_path.rglob("*.safetensors"))
    assert policy.store.made == len(kept) == 10  # of each clip features and what the tower said
    for clips in (slice(0, 2), slice(2, 5)):  # other ones, so that the last answer is no use
        before = len(runs)
        anew = replace(part(batch, clips), augmented=True)
        policy.logprobs(policy.encode_targets(anew))
        assert len(runs) == before + 1
    assert sorted(tmp_path.rglob("*.safetensors")) == kept
    before = len(runs)
    policy.logprobs(policy.encode_targets(batch))
    assert (len(runs), policy.store.made) == (before, 10)
