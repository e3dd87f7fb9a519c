"""The page on faults names tests that are there, and `make test-faults` runs them."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMED = sorted({*re.findall(r"`(tests/[\w/]+\.py)`", (ROOT / "docs/faults.md").read_text())})


def test_the_page_names_tests():
    assert len(NAMED) > 5


@pytest.mark.parametrize("name", NAMED)
def test_each_is_there_and_those_that_stand_alone_are_marked(name):
    text = (ROOT / name).read_text()
    if name.startswith("tests/test_"):
        assert re.search(r"^pytestmark = .*pytest\.mark\.faults", text, re.MULTILINE)


def test_no_other_test_of_faults_is_missing_on_the_page():
    assert {f"tests/{path.name}" for path in (ROOT / "tests").glob("test_*faults.py")} <= {*NAMED}
