"""The benchmark of saves compares kinds within a round."""

import json

import pytest

from tools.bench.saves import main, spread, summarize


def row(kind, wait, turn, memory=0.0):
    return {"kind": kind, "wait_s": wait, "turn_s": turn, "memory_mib": memory}


def test_shares_and_costs_are_those_of_rounds_and_memory_is_that_of_processes():
    first = [
        row("waits", 4.0, 10.0, 1.0), row("beside", 1.0, 9.0, 30.0), row("none", 0.0, 5.0),
        row("waits", 8.0, 16.0, 3.0), row("beside", 4.0, 11.0, 50.0), row("none", 0.0, 7.0),
    ]  # fmt: skip
    second = [dict(each, memory_mib=2 * each["memory_mib"]) for each in first]
    waits, beside = summarize("parts", 2, [first, second])
    assert waits["wait_s"] == (6.0, 4.0, 8.0) and waits["wait_share"] == (1.0, 1.0, 1.0)
    assert waits["cost_s"] == (7.0, 5.0, 9.0)
    assert beside["wait_share"] == (0.375, 0.25, 0.5)
    assert beside["cost_s"] == (4.0, 4.0, 4.0)
    assert (waits["memory_mib"], beside["memory_mib"]) == ([2.0, 4.0], [40.0, 80.0])


def test_a_spread_is_the_median_with_its_bounds():
    assert spread([3.0, 1.0, 2.0]) == (2.0, 1.0, 3.0)


@pytest.mark.slow
def test_a_tiny_run_measures_each_kind(tmp_path):
    target = tmp_path / "saves.json"
    words = ["--forms", "parts", "adapters", "--processes", "1", "--rounds", "1", "--steps", "1"]
    assert main([*words, "--width", "64", "--layers", "1", "--target", str(target)]) == 0
    rows = json.loads(target.read_text())["rows"]
    assert [(each["form"], each["kind"]) for each in rows] == [
        ("parts", "waits"), ("parts", "beside"), ("adapters", "waits"),
    ]  # fmt: skip
    assert all(each["wait_s"][0] > 0 for each in rows)
