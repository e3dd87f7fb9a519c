from emolit.metrics.written import Written
from tests.metrics.pairs import scored


def test_unreadable_captions_are_counted_and_empty_references_are_references():
    metric = Written("zh-char")
    found = scored(metric, [("a", ["b"]), (None, ["b", "c", ""]), ("", ["d"])])
    assert found == {"n": 3.0, "parse_rate": 2 / 3, "references": 5 / 3}
    assert metric.signatures() == {}
