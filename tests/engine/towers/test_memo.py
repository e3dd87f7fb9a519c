"""A frozen tower hears each clip once."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from transformers.modeling_outputs import BaseModelOutput

from emolit.engine.tensor_store import TensorStore
from emolit.engine.towers.memo import DiskCachedTower, MemoizedTower, UnpaddedTower
from emolit.engine.weights.adapters import Lora
from emolit.policies.nano import Nano
from emolit.types import Sampling


def heard(policy):
    """Count the rows that any tower of the policy hears."""
    counts = [0]

    def count(_, inputs, output):
        counts[0] += len(output)

    for name, module in policy.named_modules():
        if name.endswith("audio_tower.conv1"):
            module.register_forward_hook(count)
    return counts


@pytest.mark.parametrize(
    ("settings", "rows"),
    [
        ({"freeze": ["audio_tower"]}, 5),  # rollout, loss and the frozen copy together
        ({"lora": Lora(rank=2)}, 5),  # rollout, loss and adapters off together
        ({}, 10),  # a tower that trains: rollout and loss together, the reference has its own
    ],
)
def test_the_tower_hears_each_clip_once_a_step(nano_folder, batch, settings, rows):
    policy = Nano(str(nano_folder), **settings)
    policy.build(reference=True, seed=0)
    policy.encode(batch)  # the self-check is over
    counts = heard(policy)
    rollout = policy.sample(batch, 4, Sampling(max_tokens=4), seed=0, step=0)
    policy.reference_logprobs(rollout)
    policy.logprobs(rollout)
    assert counts == [rows]


@pytest.mark.parametrize("settings", [{"freeze": ["audio_tower"]}, {"lora": Lora(rank=2)}])
def test_a_frozen_tower_is_heard_in_inference_mode_and_its_words_stay_there(
    nano_folder, batch, settings
):
    """Lightning validates in inference mode, whose tensors have no version and no gradient."""
    policy = Nano(str(nano_folder), **settings)
    policy.build(reference=True, seed=0)
    with torch.inference_mode():
        before = policy.sample(replace(batch), 1, Sampling(max_tokens=4).greedy(), seed=0, step=0)
    rollout = policy.sample(batch, 2, Sampling(max_tokens=4), seed=0, step=0)
    policy.logprobs(rollout).sum().backward()
    with torch.inference_mode():
        after = policy.sample(replace(batch), 1, Sampling(max_tokens=4).greedy(), seed=0, step=0)
    assert torch.equal(before.tokens, after.tokens)


def test_memory_is_of_the_last_input_and_notices_every_change():
    module = nn.Linear(3, 2)
    once = MemoizedTower(module)
    runs = []
    once.speak = lambda x, mask=None: runs.append(1) or module(x)
    x, other = torch.randn(4, 3), torch.randn(4, 3)
    assert torch.equal(once(x), module(x))
    once(x)
    once(x.clone())
    assert len(runs) == 1
    assert torch.equal(once(other), module(other))
    other.mul_(2)
    assert torch.equal(once(other), module(other))
    once(other, mask=torch.ones(4))
    once(other, mask=torch.zeros(4))
    once(other[:2], mask=torch.zeros(4))
    assert len(runs) == 6


@pytest.mark.parametrize("masked", [False, True])
def test_clips_are_shown_one_by_one_without_their_padding(masked):
    seen = []

    class Tower(nn.Module):
        def forward(self, features, mask=None):
            assert mask is None
            seen.append(tuple(features.shape))
            return features + 1

    features = torch.tensor([[[1.0], [2.0], [0.0]], [[3.0], [4.0], [5.0]], [[0.0], [0.0], [0.0]]])
    mask = torch.tensor([[True, True, False], [True, True, True], [True, False, False]])
    said = UnpaddedTower(Tower())(features, mask) if masked else UnpaddedTower(Tower())(features)
    last = [1.0, 0.0, 0.0] if masked else [1.0, 1.0, 1.0]
    assert seen == [(1, 2, 1), (1, 3, 1), (1, 1, 1) if masked else (1, 3, 1)]
    assert said.squeeze(-1).tolist() == [[2.0, 3.0, 0.0], [4.0, 5.0, 6.0], last]


def test_a_stored_answer_is_of_one_precision(tmp_path):
    class Tower(nn.Linear):
        def forward(self, features):
            return BaseModelOutput(last_hidden_state=super().forward(features))

    store = TensorStore(tmp_path)
    stored, features = DiskCachedTower(Tower(3, 2), store), torch.randn(4, 3)
    kinds = []
    for enabled in (False, True, False, True):
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            kinds.append(stored(features).last_hidden_state.dtype)
    assert kinds == [torch.float32, torch.bfloat16] * 2
    assert store.made == 8


def test_what_a_frozen_tower_said_serves_several_updates_under_checkpointing(nano_folder, batch):
    """Adapters, checkpointing, and the same clips twice: peft makes the tower's output a graph."""
    policy = Nano(str(nano_folder), lora=Lora(rank=2), gradient_checkpointing=True)
    policy.build(reference=False, seed=0)
    weights = [weight for weight in policy.parameters() if weight.requires_grad]
    found = [
        torch.autograd.grad(policy.logprobs(policy.encode_targets(batch)).sum(), weights)
        for _ in range(2)
    ]
    assert any(grad.any() for grad in found[0])
    assert all(torch.equal(*pair) for pair in zip(*found, strict=True))
