"""Names of splits that others give."""

import pytest

from emolit.data.split_names import match_splits
from emolit.errors import ConfigError


def test_names_are_known_in_any_case_mapped_or_left_out():
    found = match_splits(["Train", "DEV", "eval", "rest"], {"eval": "test", "rest": None}, "mine")
    assert found == {"Train": "train", "DEV": "val", "eval": "test", "rest": None}
    assert match_splits(["test"], {"test": "train"}, "mine") == {"test": "train"}


def test_all_unknown_names_are_told_at_once_with_what_to_write():
    with pytest.raises(ConfigError, match=r"\['a', 'b'\] of 'mine' .*\{a: …, b: …\}.*or null"):
        match_splits(["train", "a", "b"], {}, "mine")


def test_what_is_mapped_must_be_there_and_become_one_of_ours():
    with pytest.raises(ConfigError, match=r"names the splits \['tset'\], .*there are \['test'\]"):
        match_splits(["test"], {"tset": "test"}, "mine")
    with pytest.raises(ConfigError, match=r"The splits \['test'\]"):
        match_splits(["test"], {"test": "exam"}, "mine")
