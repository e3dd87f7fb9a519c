"""Every score against the stored reference cases."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from emolit.evaluators.categorical import SCORES

STORED = {
    "UA": "UA",
    "WA": "WA",
    "macro_F1": "macro_f1",
    "weighted_F1": "weighted_f1",
    "parse_rate": "parse_rate",
    "recall": "per_class_recall",
    "precision": "per_class_precision",
    "F1": "per_class_f1",
    "support": "support",
}


def numbers(value: Tensor) -> list[float | None]:
    return [None if number != number else number for number in value.reshape(-1).tolist()]


def test_all_scores_equal_the_stored_house_rule(shared: Path):
    stored = json.loads((shared / "reference" / "ser_reference_cases.json").read_text())
    assert len(stored["cases"]) == 5
    for case in stored["cases"]:
        rule = case["house_rule"]
        unreadable = rule["unreadable_id"]
        answers = [-1 if answer == unreadable else answer for answer in case["y_pred"]]
        for name, key in STORED.items():
            metric = SCORES[name](len(rule["labels"]))
            metric.update(torch.tensor(answers), torch.tensor(case["y_true"]))
            wanted = rule[key] if isinstance(rule[key], list) else [rule[key]]
            found = numbers(metric.compute())
            assert [number is None for number in found] == [number is None for number in wanted]
            assert [n for n in found if n is not None] == pytest.approx(
                [n for n in wanted if n is not None], abs=1e-6
            ), (case["id"], name)


def test_ua_and_wa_equal_those_of_emobox(shared: Path):
    stored = json.loads((shared / "reference" / "ser_reference_cases.json").read_text())
    for case in stored["cases"]:
        rule = case["house_rule"]
        answers = [-1 if a == rule["unreadable_id"] else a for a in case["y_pred"]]
        for name in ("UA", "WA"):
            metric = SCORES[name](len(rule["labels"]))
            metric.update(torch.tensor(answers), torch.tensor(case["y_true"]))
            assert float(metric.compute()) == pytest.approx(case["emobox"][name], abs=1e-6)


def test_confusions_equal_the_stored_ones(shared: Path):
    stored = json.loads((shared / "reference" / "ser_reference_cases.json").read_text())
    for case in stored["cases"]:
        rule = case["house_rule"]
        size = len(rule["labels"])
        answers = [-1 if a == rule["unreadable_id"] else a for a in case["y_pred"]]
        metric = SCORES["confusion"](size)
        metric.update(torch.tensor(answers), torch.tensor(case["y_true"]))
        counts = metric.compute()
        wanted = torch.tensor(case["confusion"])[:size]
        assert torch.equal(counts[:, : wanted.shape[1]], wanted)
        assert int(counts[:, -1].sum()) == rule["n_unreadable"]
