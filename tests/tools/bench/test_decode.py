"""Kernels and syncs of a decoded token are counted."""

import json
from collections import Counter

import torch

from tools.bench import decode


def test_operators_are_kernels_but_for_views_and_masks_as_indices_wait():
    numbers, mask = torch.ones(3), torch.tensor([True, False, True])
    with decode.Counted() as counted:
        (numbers.view(1, 3) + 1)[0]
        numbers[mask]
        bool(mask.any())
    assert counted.kernels["add"] == counted.kernels["any"] == 1
    assert "view" not in counted.kernels
    assert counted.syncs.total() == 2


def test_what_goes_to_the_host_is_counted_and_nothing_stays_patched():
    found, before = Counter(), torch.Tensor.cpu
    with decode.counted_moves(found):
        torch.ones(1).cpu().tolist()
    assert found == {"cpu": 1}
    assert torch.Tensor.cpu is before


def test_all_forms_of_weights_are_counted(tmp_path, capsys):
    target = tmp_path / "decode.json"
    assert decode.main(["--layers", "2", "--target", str(target)]) == 0
    rows = json.loads(target.read_text())["rows"]
    assert rows.keys() == decode.FORMS.keys()
    assert all(row["kernels"] > 40 and row["syncs"] <= 1 for row in rows.values())
    for kind in ("fp32", "bf16", "bf16-mixed"):  # a layer has 7 adapters of 4 kernels
        apart, merged = rows[f"LoRA, {kind}, not merged"], rows[f"LoRA, {kind}"]
        assert merged["kernels"] < apart["kernels"] - 2 * 7 * 3
    assert merged["kernels"] < 0.55 * apart["kernels"]  # less than half where layers are many
    assert rows["whole model, FSDP2"]["kernels"] == rows["whole model, bf16"]["kernels"]
    apart = rows["LoRA, bf16, not merged"]
    assert rows["LoRA, FSDP2"]["kernels"] < apart["kernels"]  # adapters are cast once
    assert "what a token costs" in capsys.readouterr().out
