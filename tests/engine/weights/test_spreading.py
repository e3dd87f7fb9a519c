"""What one process has read is what all have in parts."""

import shutil
from pathlib import Path

import pytest
import torch
from torch import distributed, multiprocessing
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor
from transformers import Qwen2Config, Qwen2ForCausalLM

from emolit.engine.weights.adapters import Lora
from emolit.engine.weights.sharding import gather_weights, reshard
from emolit.engine.weights.spreading import agreed_kinds, copy_out, reads_weights, share_out
from emolit.errors import PolicyError
from emolit.policies.nano import Nano


@pytest.fixture
def mesh(tmp_path):
    """A mesh of one process."""
    distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/meet", rank=0, world_size=1
    )
    yield init_device_mesh("cpu", (1, 1), mesh_dim_names=("data_parallel", "tensor_parallel"))
    distributed.destroy_process_group()


def network():
    size = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 20}
    size |= {"num_key_value_heads": 2, "intermediate_size": 8, "tie_word_embeddings": True}
    return Qwen2ForCausalLM(Qwen2Config(**size)).eval()


def test_the_network_says_the_same_and_keeps_what_is_tied_what_trains_and_its_buffers(mesh):
    made, tokens = network(), torch.arange(6)[None]
    made.model.norm.requires_grad_(False)
    expected, before = made(tokens).logits, {n: t.clone() for n, t in made.state_dict().items()}
    trains = {name: weight.requires_grad for name, weight in made.named_parameters()}
    twin = network()
    share_out(made, mesh)
    copy_out(twin, made, mesh, None)
    for each in (made, twin):
        assert each.lm_head.weight is each.get_input_embeddings().weight
        assert all(isinstance(weight, DTensor) for weight in each.parameters())
        whole = gather_weights(each)
        assert all(torch.equal(whole[name], weight) for name, weight in before.items())
        assert torch.equal(each(tokens).logits, expected)
        reshard(each)
    assert trains == {name: weight.requires_grad for name, weight in made.named_parameters()}
    with torch.no_grad():
        next(made.parameters()).zero_()
    assert torch.equal(gather_weights(twin)["lm_head.weight"], before["lm_head.weight"])


def test_processes_that_have_built_different_networks_stop(mesh, monkeypatch):
    own = {"weight": torch.ones(2, 3), "bias": torch.ones(2)}
    kind = (torch.float32, False)
    assert agreed_kinds(own) == dict.fromkeys(own, kind)
    other = {"weight": ((2, 4), kind), "bias": ((2,), kind)}

    def gather(found, _):
        found[0] = other

    monkeypatch.setattr(distributed, "all_gather_object", gather)
    with pytest.raises(PolicyError, match="differ in 1 weights, such as 'weight'"):
        agreed_kinds(own)


def test_who_reads():
    assert reads_weights()


FORMS = {
    "whole": {},
    "adapters": {"lora": Lora(rank=2, train=["multi_modal_projector"])},
    "bfloat16": {"lora": Lora(rank=2), "dtype": "bfloat16"},
}


def load_and_share(rank, folders, meeting):
    """Build policies on one of two processes; the second one's folders hold no weights."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
    mesh = init_device_mesh("cpu", (1, 2), mesh_dim_names=("data_parallel", "tensor_parallel"))
    whole, adapter = folders[rank]
    assert bool(list(Path(whole).glob("*.safetensors"))) is (rank == 0)
    for checkpoint, settings in [*((whole, form) for form in FORMS.values()), (adapter, {})]:
        policy = Nano(checkpoint, **settings)
        policy.expect_shards()
        policy.build(reference=True, seed=0)
        host = sum(w.numel() for w in policy.model.parameters() if not w.is_meta)
        total = sum(w.numel() for w in policy.model.parameters())
        assert host == total if rank == 0 else host < total / 2  # its adapters at the most
        if policy.frozen_twin is not None:
            assert all(weight.is_meta for weight in policy.frozen_twin.parameters())
        policy.shard(mesh)
        found = gather_weights(policy.model)
        twin = None if policy.frozen_twin is None else gather_weights(policy.frozen_twin)
        if rank == 0:
            one = Nano(checkpoint, **settings)
            one.build(reference=True, seed=0)
            expected = one.model.state_dict()
            assert found.keys() == expected.keys()
            assert all(torch.equal(found[name], kept) for name, kept in expected.items())
            assert all(found[name].dtype == kept.dtype for name, kept in expected.items())
            trains = {name: kept.requires_grad for name, kept in one.model.named_parameters()}
            assert twin is None or all(torch.equal(twin[name], found[name]) for name in twin)
        else:
            trains = None
        told = [trains]
        distributed.broadcast_object_list(told, src=0)
        assert told[0] == {name: w.requires_grad for name, w in policy.model.named_parameters()}
    distributed.destroy_process_group()


@pytest.mark.slow
def test_the_second_process_has_no_weights_to_read_and_gets_its_parts(nano_folder, tmp_path):
    trained = Nano(str(nano_folder), lora=Lora(rank=2, train=["multi_modal_projector"]))
    trained.build(reference=False, seed=3)
    trained.save(tmp_path / "adapter")
    bare = shutil.ignore_patterns("*.safetensors")
    shutil.copytree(nano_folder, tmp_path / "bare", ignore=bare)
    shutil.copytree(tmp_path / "adapter", tmp_path / "bare adapter", ignore=bare)
    settings = tmp_path / "bare adapter" / "adapter_config.json"
    settings.write_text(settings.read_text().replace(str(nano_folder), str(tmp_path / "bare")))
    folders = [
        (str(nano_folder), str(tmp_path / "adapter")),
        (str(tmp_path / "bare"), str(tmp_path / "bare adapter")),
    ]
    multiprocessing.spawn(load_and_share, (folders, f"{tmp_path}/meet"), nprocs=2)
