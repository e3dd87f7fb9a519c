"""Sharded weights; two processes are tested in tests/test_strategies.py."""

import pytest
import torch
from torch import distributed
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule
from torch.distributed.tensor import DTensor

from emolit.engine.sampling.generate import generate, random_streams
from emolit.engine.weights.sharding import any_rank, gather_weights, shard, single_process
from emolit.policies.nano import Nano
from emolit.types import Sampling


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


def test_a_question_to_all_processes_is_answered(mesh):
    assert any_rank(mesh)(True) is single_process(True) is True
    assert any_rank(mesh)(False) is single_process(False) is False


def test_running_along_with_others_changes_nothing(policy, batch):
    """As under sharding: the rows of this process have ended, those of another have not."""
    sampling = Sampling(max_tokens=8)
    uniform = random_streams(0, 0, [clip.id for clip in batch.clips], 2, 8)
    results, asked = [], []

    def stops(rows):
        return torch.full((len(rows),), rows.shape[1] >= 3)

    for anyone in (single_process, lambda going: asked.append(going) or True):
        with torch.no_grad():
            prefix = policy.scorer.prefix(policy.language_model(), policy.encode(batch), batch)
        model = policy.language_model()
        results.append(generate(model, prefix.expand(2), sampling, stops, uniform, anyone))
    one, other = results
    assert len(asked) == 7
    assert one.tokens.shape == other.tokens.shape
    assert torch.equal(one.mask, other.mask)
    assert torch.equal(one.finished, other.finished)
    assert torch.equal(one.tokens[one.mask], other.tokens[other.mask])
    assert torch.equal(one.behavior[one.mask], other.behavior[other.mask])
