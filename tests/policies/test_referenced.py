"""A reference that follows the policy, in every case: adapters fresh and trained, full training."""

import pytest
import torch
from safetensors.torch import load_file

from emolit.engine.weights.adapters import Lora
from emolit.errors import PolicyError
from emolit.policies.nano import Nano
from emolit.types import Sampling

SAMPLING = Sampling(max_tokens=6)
LORA = Lora(rank=4, alpha=8, train=["multi_modal_projector"])
CASES = {
    "fresh": {"lora": LORA},
    "trained": {},
    "dora": {"lora": Lora(rank=4, alpha=8, dora=True)},
    "tower too": {"lora": Lora(rank=4, alpha=8, targets=["q_proj", "fc1"])},
    "full": {},
    "full, tower frozen": {"freeze": ["audio_tower"]},
}


def built(folder, syncs=True, **settings):
    policy = Nano(str(folder), **settings)
    if syncs:
        policy.expect_sync()
    policy.build(reference=True, seed=0)
    return policy


def nudge(policy, seed=1):
    """Move what trains, as an optimizer would."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in policy.parameters():
            if weight.requires_grad:
                weight += 0.05 * torch.randn(weight.shape, generator=generator)


def training(policy):
    return {name for name, weight in policy.named_parameters() if weight.requires_grad}


def weights_in(folder):
    (file,) = folder.glob("*model.safetensors")
    return load_file(file)


@pytest.fixture(scope="module")
def adapter(nano_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "adapter"
    policy = built(nano_folder, lora=LORA)
    nudge(policy)
    policy.save(folder)
    return folder


@pytest.fixture(params=list(CASES))
def case(request, nano_folder, adapter):
    """A start and settings."""
    return adapter if request.param == "trained" else nano_folder, CASES[request.param]


@pytest.fixture
def policy(case):
    start, settings = case
    return built(start, **settings)


def test_a_reference_that_will_move_starts_as_one_that_will_not(case, policy, batch):
    start, settings = case
    stays = built(start, syncs=False, **settings)
    rollout = policy.sample(batch, 2, SAMPLING, seed=0, step=0)
    reference = policy.reference_logprobs(rollout)
    assert torch.equal(reference, policy.logprobs(rollout).detach())
    assert torch.equal(reference, stays.reference_logprobs(rollout))
    assert training(policy) == training(stays)
    assert stays.moving_reference() == []


def test_after_a_hard_sync_the_kl_is_zero_and_training_goes_on(policy, batch):
    rollout = policy.sample(batch, 2, SAMPLING, seed=0, step=0)
    policy.reference_logprobs(rollout)
    trains = training(policy)
    for seed in (1, 2):
        nudge(policy, seed)
        expected = policy.logprobs(rollout).detach()
        assert (policy.reference_logprobs(rollout) - expected).abs().max() > 1e-5
        policy.sync_reference(1.0)
        assert torch.equal(policy.reference_logprobs(rollout), expected)
        assert torch.equal(policy.logprobs(rollout), expected)
    assert training(policy) == trains
    policy.logprobs(rollout).sum().backward()
    got = {name for name, weight in policy.named_parameters() if weight.grad is not None}
    assert got == trains


def test_a_soft_sync_moves_every_weight_that_trains_its_share(policy):
    before = {name: weight.clone() for name, weight in policy.named_parameters()}
    moving = policy.moving_reference()
    assert len(moving) == len(training(policy))
    nudge(policy)
    policy.sync_reference(0.25)
    weights = dict(policy.named_parameters())
    moved = {name for name in before if not torch.equal(weights[name], before[name])}
    assert moved == training(policy) | set(moving)
    for name, own in zip(moving, (w for w in weights.values() if w.requires_grad), strict=True):
        by_hand = 0.25 * own.double() + 0.75 * before[name].double()
        torch.testing.assert_close(weights[name].double(), by_hand, atol=1e-6, rtol=0)


def test_folders_for_others_hold_the_policy_alone(case, policy, tmp_path):
    start, settings = case
    stays = built(start, syncs=False, **settings)
    for one in (stays, policy):
        nudge(one)
    policy.sync_reference(0.5)
    stays.save(tmp_path / "stays")
    policy.save(tmp_path / "moves")
    expected, found = weights_in(tmp_path / "stays"), weights_in(tmp_path / "moves")
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    files = [
        sorted(path.name for path in (tmp_path / name).iterdir()) for name in ("stays", "moves")
    ]
    assert files[0] == files[1]


@pytest.mark.parametrize("stored", [False, True])
def test_a_frozen_tower_still_speaks_once_for_both(nano_folder, batch, tmp_path, stored):
    store = str(tmp_path / "store") if stored else None
    policy = built(nano_folder, freeze=["audio_tower"], store=store)
    policy.encode(batch)  # the self-check is over, and has filled a store
    heard = []
    policy.base.model.audio_tower.conv1.register_forward_hook(lambda *_: heard.append(1))
    rollout = policy.sample(batch, 2, SAMPLING, seed=0, step=0)
    nudge(policy)
    policy.sync_reference(1.0)
    assert torch.equal(policy.reference_logprobs(rollout), policy.logprobs(rollout).detach())
    assert len(heard) == (0 if stored else 1)


def test_a_reference_that_was_not_told_in_time_says_so(nano_folder):
    policy = built(nano_folder, syncs=False, lora=LORA)
    with pytest.raises(PolicyError, match="call `expect_sync` before `build`"):
        policy.sync_reference(1.0)
