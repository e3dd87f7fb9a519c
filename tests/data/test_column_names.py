"""Columns of a table under other names."""

from pathlib import Path

import pytest

from emolit.data.column_names import check_columns, rename_columns
from emolit.errors import ConfigError
from emolit.files.table import Row

ROWS = [Row(Path("t.jsonl"), 1, {"wav": "a", "label": 3, "emo": "sad"}),
        Row(Path("t.jsonl"), 2, {"wav": "b", "who": "x"})]  # fmt: skip


def renamed(columns):
    return [dict(row.fields) for row in rename_columns(ROWS, columns, "mine")]


def test_a_column_takes_our_name_and_the_place_of_one_that_had_it():
    assert renamed({"path": "wav", "label": "emo", "speaker": "who"}) == [
        {"path": "a", "label": "sad"}, {"path": "b", "speaker": "x"},
    ]  # fmt: skip


def test_one_column_may_be_two_of_ours_and_one_of_ours_nothing():
    assert renamed({"openset": "emo", "caption": "emo", "label": None})[0] == {
        "wav": "a", "openset": "sad", "caption": "sad",
    }  # fmt: skip


def test_no_columns_change_nothing():
    assert rename_columns(ROWS, {}, "mine") == ROWS


def test_what_is_not_there_is_named():
    with pytest.raises(ConfigError, match=r"takes \['emotion'\], which t\.jsonl does not have"):
        renamed({"label": "emotion"})
    with pytest.raises(ConfigError, match=r"names \['lable'\], which emolit does not read"):
        check_columns({"lable": "emo"}, "mine")
