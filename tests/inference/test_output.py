"""Rows of answers, read back by the csv and json modules."""

import csv
import json
from pathlib import Path

import pytest

from emolit.errors import ConfigError
from emolit.inference.answer import Segment, merge_segments
from emolit.inference.output import check_out, problem_row, rows_of, write_rows

LABELS = ("angry", "sad")
SEGMENTS = [
    Segment(0.0, 3.0, "<answer>sad</answer>", "sad", {"angry": 0.25, "sad": 0.75}, 'it is "low"'),
    Segment(2.0, 5.0, "<answer>sad</answer>", "sad", {"angry": 0.5, "sad": 0.5}),
]


def test_a_csv_has_a_row_a_recording_and_a_column_a_label(tmp_path):
    rows = rows_of("a,1", "/x/a.wav", merge_segments(SEGMENTS, LABELS), "recording")
    write_rows(tmp_path / "a.csv", [*rows, problem_row("b", "/x/b.wav", "no sound")], LABELS)
    with (tmp_path / "a.csv").open(newline="") as file:
        one, two = csv.DictReader(file)
    assert one == {
        "id": "a,1", "path": "/x/a.wav", "answer": "sad", "p_angry": "0.375", "p_sad": "0.625",
        "reason": 'it is "low"', "seconds": "5.0", "windows": "2", "problem": "",
    }  # fmt: skip
    assert (two["id"], two["answer"], two["problem"]) == ("b", "", "no sound")


def test_a_row_a_window_has_its_place(tmp_path):
    rows = rows_of("a", "/x/a.wav", merge_segments(SEGMENTS, LABELS), "window")
    write_rows(tmp_path / "a.csv", rows, LABELS)
    with (tmp_path / "a.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [(row["start"], row["end"], row["p_sad"]) for row in found] == [
        ("0.0", "3.0", "0.75"),
        ("2.0", "5.0", "0.5"),
    ]


def test_jsonl_holds_recording_and_windows(tmp_path):
    words = [Segment(0.0, 3.0, "…", ("shy", "glad")), Segment(2.0, 4.0, "…", None)]
    rows = rows_of("a", "/x/a.wav", merge_segments(words, ()), "recording")
    write_rows(tmp_path / "a.jsonl", rows, ())
    [row] = map(json.loads, (tmp_path / "a.jsonl").read_text().splitlines())
    assert (row["answer"], row["words"]) == ("shy, glad", {"shy": 1, "glad": 1})
    assert [each["answer"] for each in row["windows"]] == [["shy", "glad"], None]
    assert "probabilities" not in row


def test_an_output_of_another_kind_is_refused():
    with pytest.raises(ConfigError, match=r"a\.xlsx is neither \.csv nor \.jsonl"):
        check_out(Path("a.xlsx"))
