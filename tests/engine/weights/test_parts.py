"""Whole models out of parts; parts of two processes are tested in test_sharding.py."""

import pytest
import torch
from torch import distributed
from torch.distributed import checkpoint

from emolit.engine.weights.checkpoint import load_model
from emolit.engine.weights.parts import assemble_model, check_whole, parts_of, start_writing
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
