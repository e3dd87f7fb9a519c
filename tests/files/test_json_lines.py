"""A row is one line, whatever stands in it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolit.files.json_lines import json_line


@given(st.text())
def test_a_row_is_one_line_and_comes_back(text):
    line = json_line({"text": text})
    assert len(line.splitlines()) == 1
    assert json.loads(line) == {"text": text}


def test_what_json_has_not_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_line({"score": float("nan")})


def test_a_name_in_no_unicode_can_be_written_and_comes_back():
    line = json_line({"path": "\udcff.wav"})
    assert line.encode() == b'{"path": "\\udcff.wav"}\n'
    assert json.loads(line) == {"path": "\udcff.wav"}
