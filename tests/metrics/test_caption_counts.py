import math

import pytest

from emolit.metrics.caption_counts import Written
from tests.metrics.pairs import scored


@pytest.mark.filterwarnings("ignore:The ``compute`` method of metric")
def test_before_any_caption_there_are_0_clips():
    found = scored(Written("zh-char"), [])
    assert found["n"] == 0 and math.isnan(found["parse_rate"])


def test_unreadable_captions_are_counted_and_empty_references_are_references():
    metric = Written("zh-char")
    found = scored(metric, [("a", ["b"]), (None, ["b", "c", ""]), ("", ["d"])])
    assert found == {"n": 3.0, "parse_rate": 2 / 3, "references": 5 / 3}
    assert metric.signatures() == {}
