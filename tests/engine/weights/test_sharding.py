"""Sharded weights; two processes are tested in tests/test_strategies.py."""

from functools import partial
from pathlib import Path

import pytest
import torch
import torch.distributed.checkpoint
from torch import distributed, multiprocessing
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule
from torch.distributed.tensor import DTensor
from torch.utils._python_dispatch import TorchDispatchMode

from emolit.engine.weights.adapters import Lora
from emolit.engine.weights.parts import assemble_model
from emolit.engine.weights.sharding import any_rank, gather_weights, reshard, shard, single_process
from emolit.policies.nano import Nano
from emolit.types import Sampling
from tests.conftest import part


@pytest.fixture
def mesh(tmp_path):
    """A mesh of one process."""
    distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/meet", rank=0, world_size=1
    )
    yield init_device_mesh("cpu", (1, 1), mesh_dim_names=("data_parallel", "tensor_parallel"))
    distributed.destroy_process_group()


@pytest.fixture
def policy(nano_folder):
    made = Nano(str(nano_folder))
    made.build(reference=False, seed=0)
    return made


def test_every_weight_is_sharded_and_gathered_as_it_was(policy, mesh):
    before = {name: weight.clone() for name, weight in policy.base.state_dict().items()}
    shard(policy.base, mesh)
    assert all(isinstance(weight, DTensor) for weight in policy.base.parameters())
    after = gather_weights(policy.base)
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)


@pytest.mark.parametrize("freeze", [["audio_tower"], []])
def test_a_frozen_tower_is_no_unit_that_processes_wait_for(nano_folder, mesh, freeze):
    made = Nano(str(nano_folder), freeze=freeze)
    made.build(reference=False, seed=0)
    shard(made.base, mesh)
    units = [name for name, part in made.base.named_modules() if isinstance(part, FSDPModule)]
    assert any("language_model.layers" in name for name in units)
    assert any("audio_tower" in name for name in units) is (not freeze)


@pytest.mark.parametrize("packed", [True, False])
def test_in_bfloat16_weights_are_cast_as_they_are_gathered_and_trained_in_float32(
    nano_folder, batch, mesh, packed
):
    """Under autocast each token casts each weight, and the cache is float32."""
    made = Nano(str(nano_folder), gradient_checkpointing=packed)
    made.build(reference=False, seed=0)
    exact = made.sample(batch, 2, Sampling(max_tokens=8), 0, 0)
    expected = made.logprobs(exact).detach()
    made.shard(mesh, torch.bfloat16)
    rollout = made.sample(batch, 2, Sampling(max_tokens=8), 0, 0)
    logprobs = made.logprobs(exact)
    assert (logprobs - expected).abs().max() < 0.05
    assert (made.logprobs(rollout) - rollout.behavior).abs().max() < 0.05
    logprobs.sum().backward()
    for weight in made.base.parameters():
        assert weight.dtype == weight.grad.dtype == torch.float32
        assert weight.grad.full_tensor().isfinite().all()
    with torch.no_grad():
        prefix = made.scorer.prefix(made.language_model(), made.encode(batch), batch)
    layer = prefix.cache.layers[0]
    assert layer.keys.dtype == layer.values.dtype == prefix.last.dtype == torch.bfloat16


def test_a_question_to_all_processes_is_answered(mesh):
    assert any_rank(mesh)(True) is single_process(True) is True
    assert any_rank(mesh)(False) is single_process(False) is False


GATHERS = (
    torch.ops.c10d._allgather_base_.default,  # of a unit
    torch.ops._c10d_functional.all_gather_into_tensor.default,  # of one weight
)


class Gathers(TorchDispatchMode):
    """Counts the all-gathers of weights, and the numbers in what they make."""

    def __init__(self):
        super().__init__()
        self.calls, self.numbers = 0, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if function in GATHERS:
            self.calls += 1
            self.numbers += (result if isinstance(result, torch.Tensor) else args[0]).numel()
        return result


def gathers(run):
    """Return what a function returns, and what is gathered meanwhile."""
    with Gathers() as counted:
        result = run()
    return result, counted


def gradients_of(policy, rollout):
    """Return the gradients of a rollout's log-probabilities, whole, averaged over processes."""
    policy.logprobs(rollout).sum().backward()
    found = {}
    for name, weight in policy.base.named_parameters():
        if isinstance(weight.grad, DTensor):
            found[name] = weight.grad.full_tensor()
        else:
            distributed.all_reduce(weight.grad)
            found[name] = weight.grad / distributed.get_world_size()
    return found


def roll_out_by_layers(rank, checkpoint, mine, mesh):
    """Sample where no process may hold the model: rows that end early wait for those of others."""
    rollouts, counts = [], []
    for sharded in (False, True):
        policy = Nano(checkpoint, gather="layer")
        policy.build(reference=False, seed=0)
        if rank == 1:
            policy.ends = torch.arange(0, 500, 2)
        if sharded:
            policy.shard(mesh)
        policy.encode(mine)
        reshard(policy.base)
        rollout, count = gathers(partial(policy.sample, mine, 2, Sampling(max_tokens=12), 0, 0))
        rollouts.append(rollout)
        counts.append(count.calls)
    for name in ("tokens", "mask", "finished"):
        assert torch.equal(*(getattr(rollout, name) for rollout in rollouts)), name
    torch.testing.assert_close(rollouts[0].behavior, rollouts[1].behavior)
    lengths = [torch.tensor(0), torch.tensor(0)]
    distributed.all_gather(lengths, torch.tensor(rollout.tokens.shape[2]))
    assert lengths[0] == 12 > lengths[1]
    units = [name for name, part in policy.base.named_modules() if isinstance(part, FSDPModule)]
    layers = sum("language_model.layers" in name for name in units)
    assert counts == [0, len(units) + 11 * layers]  # all for the prompts, layers for each token


def roll_out(rank, checkpoint, mine, meeting):
    """Sample and learn, with whole weights and with sharded ones, on one of two processes."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
    mesh = init_device_mesh("cpu", (1, 2), mesh_dim_names=("data_parallel", "tensor_parallel"))
    sampling = Sampling(max_tokens=12 - 6 * rank)  # the second process is done before the first
    for packed in (True, False):
        found = []
        for sharded in (False, True):
            policy = Nano(checkpoint, gradient_checkpointing=packed)
            policy.build(reference=False, seed=0)
            if sharded:
                policy.shard(mesh)
            policy.encode(mine[rank])  # the first batch checks the network, which gathers too
            reshard(policy.base)
            rollout, count = gathers(partial(policy.sample, mine[rank], 2, sampling, 0, 0))
            if not packed:
                policy.scorer.fresh = None  # the loss takes over the prefill
            found.append((rollout.tokens, gradients_of(policy, rollout), count.calls))
        (tokens, gradients, none), (same, averaged, count) = found
        units = [part for part in policy.base.modules() if isinstance(part, FSDPModule)]
        assert torch.equal(tokens, same)
        assert (none, count) == (0, len(units))
        assert tokens.shape[2] == sampling.max_tokens
        for name, gradient in gradients.items():
            torch.testing.assert_close(averaged[name], gradient, atol=1e-6, rtol=1e-5)
    roll_out_by_layers(rank, checkpoint, mine[rank], mesh)
    distributed.checkpoint.save({"state_dict": {"policy": {"model": policy.base.state_dict()}}},
                                checkpoint_id=f"{meeting}-parts/last.ckpt")  # fmt: skip
    adapted = Nano(checkpoint, lora=Lora(rank=2, train=["multi_modal_projector"]))
    adapted.build(reference=False, seed=0)
    before = {name: kept.clone() for name, kept in adapted.model.state_dict().items()}
    adapted.shard(mesh)
    state, count = gathers(adapted.gather_weights)
    assert count.numbers == sum(before[name].numel() for name in before if "default" in name)
    assert not rank or state == {}
    assert all(torch.equal(kept, before[name]) for name, kept in state.items())
    if rank == 0:
        adapted.save(Path(f"{meeting}-parts/adapter"), state)
        again = Nano(f"{meeting}-parts/adapter")
        again.build(reference=False, seed=1)
        assert all(torch.equal(again.model.state_dict()[name], before[name]) for name in before)
    distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_gather_each_unit_once_a_rollout_and_of_adapters_the_adapters_alone(
    nano_folder, batch, tmp_path
):
    mine = part(batch, slice(0, 2)), part(batch, slice(2, 5))
    arguments = (str(nano_folder), mine, f"{tmp_path}/meet")
    multiprocessing.spawn(roll_out, arguments, nprocs=2)
    policy = Nano(str(nano_folder))
    policy.build(reference=False, seed=0)
    policy.save_settings(tmp_path / "meet-parts" / "last")
    found = assemble_model(tmp_path / "meet-parts" / "last", policy.auto_class).state_dict()
    assert all(torch.equal(found[name], kept) for name, kept in policy.base.state_dict().items())
