"""Columns under other names, and the step that mends them."""

import pytest

from emolit.files.headings import ALIASES, find_renamed, next_step, plain


def test_no_alias_stands_for_two_columns_or_is_written_otherwise_than_compared():
    aliases = [alias for names in ALIASES.values() for alias in names]
    assert len(set(aliases)) == len(aliases)
    assert [plain(alias) for alias in aliases] == aliases
    assert not set(aliases) & ALIASES.keys()


@pytest.mark.parametrize(
    ("wanted", "present", "found"),
    [
        ("start", ["id", "start_time"], "start_time"),
        ("end", ["End Time", "stop"], "End Time"),
        ("split", ["subset", "Split"], "Split"),
        ("label", ["label"], None),
        ("label", ["labels"], None),
        ("openset", ["Open-Set"], "Open-Set"),
    ],
)
def test_a_column_is_found_under_its_other_name_the_nearest_first(wanted, present, found):
    assert find_renamed(wanted, present) == found


def test_lines_of_json_have_no_separators():
    assert next_step("path", ["a;b"], None) == (
        "Add it, or rename the column that holds it to 'path'."
    )
    assert next_step("path", ["wav"], None) == "Rename 'wav' to 'path'."
