"""A segment is what its line says."""

import json

import pytest

from emolit.files.json_lines import json_line
from emolit.inference.answer import Segment
from emolit.inference.writing import line_of, segment_of


@pytest.mark.parametrize(
    "segment",
    [
        Segment(0.5, 3.5, "<answer>sad</answer>", "sad", {"angry": 0.25, "sad": 0.75}, "low"),
        Segment(0.0, 1.0, "shy\u2028", ("shy", "glad")),
        Segment(0.0, 1.0, "?", None),
    ],
)
def test_a_segment_is_read_back_from_its_line(segment):
    line = json.loads(json_line(line_of("a@0.50", segment)))
    assert line["window"] == "a@0.50"
    assert segment_of(line) == segment
