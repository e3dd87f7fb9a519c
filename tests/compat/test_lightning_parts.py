"""What emolit relies on of Lightning's checkpoints in parts holds in the installed release."""

from importlib.metadata import version
from types import SimpleNamespace

import torch
from lightning.pytorch.strategies import (
    DDPStrategy,
    ModelParallelStrategy,
    SingleDeviceStrategy,
    model_parallel,
)

from emolit.compat.lightning_parts import parts_written_by, reads_parts, saves_in_parts

HERE = f"lightning {version('lightning')} breaks what emolit/compat/lightning_parts.py relies on"


def test_parts_are_told_where_each_process_saves_its_own():
    for parts in (True, False):
        strategy = ModelParallelStrategy(save_distributed_checkpoint=parts)
        made = SimpleNamespace(strategy=strategy)
        assert saves_in_parts(made) is parts, f"{HERE}: _save_distributed_checkpoint"


def test_parts_are_written_by_another_function_for_a_block(tmp_path, monkeypatch):
    strategy, seen = ModelParallelStrategy(save_distributed_checkpoint=True), []
    monkeypatch.setattr(strategy, "broadcast", lambda path: path)
    given = {"state_dict": {"weight": 1}, "optimizer_states": ["its state"], "epoch": 2}
    before = model_parallel._distributed_checkpoint_save
    with parts_written_by(lambda state, path: seen.append((state, path))):
        strategy.save_checkpoint(dict(given), tmp_path / "parts")
    expected = {"state_dict": {"weight": 1}, "optimizer_0": "its state"}
    assert seen == [(expected, tmp_path / "parts")], HERE
    assert torch.load(tmp_path / "parts" / "meta.pt", weights_only=True) == {"epoch": 2}, HERE
    assert model_parallel._distributed_checkpoint_save is before


def test_folders_are_for_strategies_that_shard():
    one = SimpleNamespace(strategy=SingleDeviceStrategy(torch.device("cpu")))
    assert not saves_in_parts(one)
    assert not reads_parts(one) and not reads_parts(SimpleNamespace(strategy=DDPStrategy()))
    whole = ModelParallelStrategy(save_distributed_checkpoint=False)
    assert reads_parts(SimpleNamespace(strategy=whole))  # also what another run has saved
