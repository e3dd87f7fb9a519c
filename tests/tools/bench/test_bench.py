"""The benchmark's arithmetic and tables; the sides themselves run in slow tests."""

import importlib
import importlib.util
import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

ROOT = Path(__file__).parents[3]


@pytest.fixture
def cases():
    return importlib.import_module("tools.bench.cases")


@pytest.fixture
def tool():
    return importlib.import_module("tools.bench.__main__")


@pytest.fixture
def limits():
    return importlib.import_module("tools.bench.limits")


def run_of(seconds, added):
    counts = {"tower_rows": 0, "prefix_tokens": 4, "prompt": 2}
    memory = {"peak_mb": 2 * added, "before_mb": added, "added_mb": added}
    return {"wall_s": seconds, "cpu_s": seconds, "counts": counts, **memory}


def compared(tool, difference=1e-6, rewards=0.03):
    parts = {"prefill": 0.5, "decode": 1.0, "update": 1.5, "rewards": rewards}
    limit = {"gflops_per_s": 1.0, "gbytes_per_s": 1.0, "update_s": 1.0, "decode_s": 0.5}
    ours = {**run_of([2.0, 4.0, 3.0], 100), "stages": [parts], "limits": limit}
    gate = {"whole rows": {"logprobs": difference, "loss": 0.0, "gradients": 0.0}}
    runs = {"ours": [ours], "trl": [run_of([9.0], 150)]}
    return tool.summary(tool.CASES["text_p256_c32"], runs, gate)


def test_ratios_are_trl_over_emolit_by_medians(tool):
    case = compared(tool)
    assert (case["ratio_wall"], case["ratio_cpu"], case["ratio_memory"]) == (3.0, 3.0, 1.5)
    assert case["update_over_limit"] == case["decode_over_limit"] == 2.0
    assert case["tokens"] == 2 * 8 * 32
    assert case["rewards_share"] == pytest.approx(0.01)


def test_a_difference_beyond_its_bound_fails_the_gate(tool):
    assert compared(tool)["gate"]["passed"]
    assert not compared(tool, 2e-5)["gate"]["passed"]
    assert not compared(tool, float("nan"))["gate"]["passed"]


def test_tables_say_which_goal_is_missed(tool):
    console = Console(file=io.StringIO(), width=200)
    tool.show([compared(tool), compared(tool, rewards=0.09)], console)
    told = console.file.getvalue()
    for words in ("4 missed", "1.50 missed", "3.00% missed", "1.00%", "whole rows"):
        assert words in told


def test_the_record_is_json(tool, tmp_path):
    target = tmp_path / "bench" / "step.json"
    tool.save(target, {"cases": [compared(tool)]})
    assert json.loads(target.read_text())["cases"][0]["name"] == "text_p256_c32"


def test_every_case_has_a_goal(tool):
    assert set(tool.GOALS) == set(tool.CASES)


def test_without_trl_it_says_what_to_install(tool, monkeypatch, capsys):
    monkeypatch.setattr(tool.importlib.util, "find_spec", lambda name: None)
    assert tool.main([]) == 2
    assert "pip install '.[bench]'" in capsys.readouterr().err


def test_operations_are_counted_by_hand(cases, limits):
    case = replace(cases.CASES["text_p256_c32"], completion=1, group=1)
    layer = 2 * 256 * 256 + 2 * 256 * 128 + 3 * 256 * 1024
    dense = 2 * (2 * 3 * 4 * layer + 2 * 256 * 8192)
    attention = 4 * 256 * 4 * 2 * (3 * 4 // 2)
    assert limits.update_flops(case, prompt=3) == 3 * (dense + attention)
    read = 4 * layer + 256 * 8192 + 2 * 3 * 2 * 128 * 4
    assert limits.decode_bytes(case, prompt=3) == 4 * read


def test_a_frozen_tower_costs_a_forward_pass_only(cases, limits):
    frozen, trained = (cases.CASES[f"audio_10s_{how}"] for how in ("frozen", "trainable"))
    apart = limits.update_flops(trained, 300) - limits.update_flops(frozen, 300)
    assert apart == 2 * limits.tower_flops(trained) > 0


def test_prompts_have_a_token_a_letter(cases):
    rows = cases.tokenizer_of()(cases.prompts(7)[:3])["input_ids"]
    assert [len(row) for row in rows] == [7, 7, 7]


@pytest.mark.parametrize("side", ["ours", pytest.param("trl", marks=pytest.mark.slow)])
def test_a_side_runs_and_counts_its_work(cases, tmp_path, side):
    if side == "trl" and importlib.util.find_spec("trl") is None:
        pytest.skip("needs TRL: pip install '.[bench]'")
    cases.write(tmp_path)
    case, said = cases.Case("tiny", prompt=8, completion=4, group=2), tmp_path / "said.json"
    command = [sys.executable, "-m", f"tools.bench.{side}", case.dumps()]
    subprocess.run(
        [*command, str(tmp_path), "1", str(said)], cwd=ROOT, check=True, capture_output=True
    )
    found = json.loads(said.read_text())
    assert len(found["wall_s"]) == 1 and found["added_mb"] > 0
    copies = {"ours": 1, "trl": 2 * case.group}[side]
    assert found["counts"]["prefix_tokens"] == cases.BATCH * case.prompt * copies
    assert found["counts"]["rollout_logit_rows"] == cases.BATCH * case.group * case.completion
