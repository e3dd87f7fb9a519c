"""The benchmark of starts tells who reads weights."""

import json

import pytest
import torch
from safetensors.torch import load_file

from emolit.policies.nano import NanoSize, write_nano
from tools.bench.start import main, stored_as


@pytest.mark.slow
def test_the_second_process_loads_nothing_where_the_first_alone_reads(tmp_path):
    target = tmp_path / "start.json"
    assert main(["--width", "256", "--layers", "4", "--target", str(target)]) == 0
    rows = json.loads(target.read_text())["rows"]
    assert [(row["reads"], row["reference"]) for row in rows] == [
        ("each", False), ("the first", False), ("each", True), ("the first", True),
    ]  # fmt: skip
    model = rows[0]["processes"][0]["model_mib"]
    assert 13 < model < 16  # 4 layers of 13 * 256 ** 2 numbers, and a tower
    for row in rows:
        first, second = (each["loaded_own_mib"] for each in row["processes"])
        assert first > 0.8 * model
        assert (second > 0.8 * model) is (row["reads"] == "each")


def test_a_checkpoint_is_written_again_in_another_precision(tmp_path):
    size = NanoSize(seconds=1, mels=20, tower_width=16, tower_layers=1, width=16, heads=2)
    nano = write_nano(tmp_path, size, seed=0)
    folder = stored_as(nano, "bfloat16")
    (file,) = folder.glob("*.safetensors")
    assert {weight.dtype for weight in load_file(file).values()} == {torch.bfloat16}
    assert (folder / "tokenizer.json").is_file()
