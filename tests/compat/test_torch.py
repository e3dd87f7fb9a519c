"""What emolit relies on of torch holds in the installed release."""

import pytest
import torch
from torch import distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from emolit.compat.torch import (
    avoid_cudnn_attention,
    map_tree,
    replace_forward,
    replaced_forward,
    replaced_weight,
    stored_weights,
    write_count,
)

HERE = f"torch {torch.__version__} breaks what emolit/compat/torch.py relies on"


def test_writes_in_place_are_counted_and_reads_are_not():
    weight = torch.ones(2)
    before = write_count(weight)
    weight.sum()
    assert write_count(weight) == before, f"{HERE}: a read counts as a write"
    weight.add_(1)
    assert write_count(weight) > before, f"{HERE}: a write is not counted"


def test_an_optimizer_step_is_counted():
    weight = nn.Parameter(torch.ones(2))
    weight.grad = torch.ones(2)
    for optimizer in (torch.optim.SGD([weight], lr=0.1), torch.optim.AdamW([weight], lr=0.1)):
        before = write_count(weight)
        optimizer.step()
        assert write_count(weight) > before, f"{HERE}: {type(optimizer).__name__} is not counted"


@pytest.mark.parametrize("sharded", [False, True])
def test_an_optimizer_step_is_counted_whether_weights_are_gathered_or_not(tmp_path, sharded):
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    if sharded:
        distributed.init_process_group(
            "gloo", init_method=f"file://{tmp_path}/meet", rank=0, world_size=1
        )
        mesh = init_device_mesh("cpu", (1,))
        for part in (model[1], model):
            fully_shard(part, mesh=mesh)
    optimizer, counts = torch.optim.SGD(model.parameters(), lr=0.1), []
    for _ in range(2):
        counts.append(sum(map(write_count, stored_weights(model))))
        loss = model(torch.ones(1, 2)).sum()  # the outermost unit is gathered from here on
        counts.append(sum(map(write_count, stored_weights(model))))
        loss.backward()
        optimizer.step()
    if sharded:
        distributed.destroy_process_group()
    assert len(list(stored_weights(model))) == 4, f"{HERE}: fsdp_params"
    assert counts[0] == counts[1] < counts[2] == counts[3], f"{HERE}: sharded_param"


def test_without_its_head_a_model_returns_hidden_states_and_has_it_back_afterwards():
    head = nn.Linear(3, 7)
    model = nn.Sequential(nn.Linear(3, 3), head)
    x = torch.randn(2, 3)
    expected = model(x)
    with replaced_forward(head, lambda hidden: hidden):
        assert torch.equal(model(x), model[0](x)), f"{HERE}: forward is not looked up on it"
    assert torch.equal(model(x), expected)
    assert "forward" not in vars(head)


def test_a_forward_that_was_replaced_for_good_comes_back_after_a_block():
    layer = nn.Linear(1, 1)
    replace_forward(layer, lambda x: x + 1)
    with replaced_forward(layer, lambda x: x + 2):
        assert layer(0) == 2
    assert layer(0) == 1


def test_gradients_flow_through_a_replaced_weight():
    table = nn.Embedding(4, 2)
    with replaced_weight(table, "weight", table.weight[:3]):
        assert table.weight.shape == (3, 2), f"{HERE}: a replaced weight is not read"
        table.weight.sum().backward()
    assert table.weight.shape == (4, 2)
    assert torch.equal(table.weight.grad, torch.tensor([[1.0] * 2] * 3 + [[0.0] * 2])), HERE


def test_nested_values_are_changed_leaf_by_leaf():
    given = {"a": (1, [2]), "b": torch.ones(1)}
    assert map_tree(lambda leaf: leaf + 1, given) == {"a": (2, [3]), "b": torch.tensor([2.0])}, HERE


def test_attention_leaves_cudnn_alone_and_keeps_the_other_kernels():
    backends, before = torch.backends.cuda, torch.backends.cuda.cudnn_sdp_enabled()
    try:
        backends.enable_cudnn_sdp(True)
        avoid_cudnn_attention()
        assert not backends.cudnn_sdp_enabled(), f"{HERE}: cuDNN's attention is still on"
        assert backends.flash_sdp_enabled() and backends.mem_efficient_sdp_enabled()
        assert backends.math_sdp_enabled()
    finally:
        backends.enable_cudnn_sdp(before)
