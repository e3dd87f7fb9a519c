"""Whole models out of parts, and parts that are written while training goes on."""

import threading
from pathlib import Path

import pytest
import torch
from torch import distributed, multiprocessing
from torch.distributed import checkpoint
from torch.distributed.checkpoint.filesystem import FileSystemWriter
from torch.distributed.checkpoint.format_utils import dcp_to_torch_save
from torch.distributed.checkpoint.state_dict import get_model_state_dict, get_optimizer_state_dict
from torch.distributed.device_mesh import init_device_mesh

from emolit.engine.weights.checkpoint import load_model
from emolit.engine.weights.parts import (
    INDEX,
    assemble_model,
    check_weights,
    check_whole,
    parts_of,
    start_writing,
)
from emolit.errors import PolicyError
from emolit.policies.nano import Nano

pytestmark = pytest.mark.filterwarnings("ignore:torch.distributed is disabled")


@pytest.fixture
def policy(nano_folder):
    made = Nano(str(nano_folder))
    made.build(reference=False, seed=0)
    return made


def leave(policy, folder, state):
    """Write what a run leaves that saves in parts."""
    policy.save_settings(folder / "last")
    written = {"state_dict": {"policy": {"model": state}}, "optimizer_0": {"x": torch.ones(1)}}
    checkpoint.save(written, checkpoint_id=folder / "last.ckpt", no_dist=True)
    return folder / "last"


def test_parts_are_those_of_the_moment_at_which_they_were_asked_for(tmp_path):
    """Training goes on and changes them while they are written."""
    meeting = f"file://{tmp_path}/meet"
    distributed.init_process_group("gloo", init_method=meeting, rank=0, world_size=1)
    try:
        (tmp_path / "parts").mkdir()
        group, weight = distributed.new_group(backend="gloo"), torch.ones(1000)
        written = start_writing({"weight": weight}, tmp_path / "parts", group)
        weight.zero_()
        written.result()
    finally:
        distributed.destroy_process_group()
    found = {"weight": torch.empty(1000)}
    checkpoint.load(found, checkpoint_id=tmp_path / "parts", no_dist=True)
    assert torch.equal(found["weight"], torch.ones(1000))


def test_a_model_is_put_together_as_it_was(policy, tmp_path):
    state = policy.base.state_dict()
    folder = leave(policy, tmp_path, state)
    assert parts_of(folder) == tmp_path / "last.ckpt"
    with pytest.raises(PolicyError, match=r"lie in parts in .*emolit export .*last --out"):
        load_model(str(folder), policy.auto_class, "float32")
    assemble_model(folder, policy.auto_class).save_pretrained(folder)
    check_whole(str(folder))
    again = Nano(str(folder))
    again.build(reference=False, seed=1)
    assert all(torch.equal(again.base.state_dict()[name], kept) for name, kept in state.items())


def test_parts_that_lack_a_weight_and_folders_without_parts_are_refused(policy, tmp_path):
    state = policy.base.state_dict()
    missing = next(iter(state))
    folder = leave(policy, tmp_path, {name: state[name] for name in state if name != missing})
    with pytest.raises(PolicyError, match=missing.replace(".", r"\.")):
        assemble_model(folder, policy.auto_class)
    with pytest.raises(PolicyError, match="has no parts"):
        assemble_model(tmp_path, policy.auto_class)


DAMAGE = {
    "a part is gone": lambda parts: parts.joinpath("__0_0.distcp").unlink(),
    "a part is cut": lambda parts: parts.joinpath("__0_0.distcp").write_bytes(b"PK"),
    "the index is cut": lambda parts: parts.joinpath(INDEX).write_bytes(
        parts.joinpath(INDEX).read_bytes()[:100]
    ),
    "the index is empty": lambda parts: parts.joinpath(INDEX).write_bytes(b""),
}


@pytest.mark.parametrize("damage", list(DAMAGE))
def test_damaged_parts_are_a_sentence(policy, tmp_path, damage):
    folder = leave(policy, tmp_path, policy.base.state_dict())
    DAMAGE[damage](tmp_path / "last.ckpt")
    with pytest.raises(PolicyError, match=r"parts in .*last.ckpt cannot be read .* Get all of the"):
        assemble_model(folder, policy.auto_class)


def test_a_folder_without_weights_is_refused_by_name(policy, tmp_path):
    folder = leave(policy, tmp_path, policy.base.state_dict())
    check_weights(folder)
    (tmp_path / "last.ckpt" / INDEX).unlink()
    with pytest.raises(PolicyError, match=r"last' holds no weights .*last.ckpt has no .metadata"):
        check_weights(folder)
    with pytest.raises(PolicyError, match=r"last.ckpt' holds no weights \(\*.safetensors\)\. Give"):
        check_weights(tmp_path / "last.ckpt")
    check_weights(Path(policy.checkpoint))


def write_while_training(rank, nano, folder):
    """Write parts of two moments on one of two processes; the second one's disk waits."""
    torch.set_num_threads(1)
    meeting = f"file://{folder}/meet"
    distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    policy = Nano(nano)
    policy.expect_shards()
    policy.build(reference=False, seed=0)
    policy.shard(init_device_mesh("cpu", (1, 2), mesh_dim_names=("data_parallel", "parts")))
    optimizer = torch.optim.AdamW(policy.base.parameters(), lr=0.1)
    go, before = threading.Event(), FileSystemWriter.write_data

    def write_data(*given):
        if rank == 1 and threading.current_thread() is not threading.main_thread():
            assert go.wait(60)
        return before(*given)

    def state():
        moments = get_optimizer_state_dict(policy.base, optimizer)["state"]
        return {"model": get_model_state_dict(policy.base), "optimizer": moments}

    FileSystemWriter.write_data = write_data
    written = []
    for moment in range(2):
        for weight in policy.base.parameters():
            weight.grad = weight.detach() + 1.0  # the first step changes all
        optimizer.step()
        checkpoint.save(state(), checkpoint_id=folder / f"waited {moment}")
        beside = folder / f"beside {moment}"
        beside.mkdir(exist_ok=True)
        written.append(start_writing(state(), beside, distributed.new_group(backend="gloo")))
    with torch.no_grad():
        for weight in policy.base.parameters():
            weight.zero_()
            optimizer.state[weight]["exp_avg"].zero_()
    distributed.barrier()
    assert not any(each.done() for each in written)  # nor where all is written
    assert not list(folder.glob("beside */.metadata"))
    go.set()
    for each in written:
        each.result()
    distributed.destroy_process_group()


@pytest.mark.slow
def test_parts_of_two_processes_and_moments_are_whole_once_the_slowest_is_done(
    nano_folder, tmp_path
):
    """Two saves are under way at a time, and the weights change meanwhile."""
    multiprocessing.spawn(write_while_training, (str(nano_folder), tmp_path), nprocs=2)
    found = {}
    for folder in sorted(tmp_path.glob("* [01]")):
        assert {path.name for path in folder.iterdir()} >= {"__0_0.distcp", "__1_0.distcp"}
        dcp_to_torch_save(folder, tmp_path / "whole.pt")
        found[folder.name] = torch.load(tmp_path / "whole.pt", weights_only=True)
    assert len(found) == 4
    for moment in range(2):
        expected = found[f"waited {moment}"]
        torch.testing.assert_close(found[f"beside {moment}"], expected, atol=0, rtol=0)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(found["waited 1"], found["waited 0"], atol=0, rtol=0)
