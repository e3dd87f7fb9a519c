"""Windows become one answer: probabilities by mean, words by count."""

import pytest

from emolit.inference.answer import Segment, merge_segments

LABELS = ("angry", "happy", "sad")


def heard(start, answer, probabilities=None, reason=None):
    return Segment(start, start + 3, f"says {answer}", answer, probabilities or {}, reason)


def spread(*values):
    return dict(zip(LABELS, values, strict=True))


def test_one_window_says_what_it_said_even_where_another_label_is_more_probable():
    answer = merge_segments([heard(0, "sad", spread(0.5, 0.1, 0.4))], LABELS)
    assert answer.label == "sad"
    assert answer.probabilities == spread(0.5, 0.1, 0.4)
    assert merge_segments([heard(0, None, spread(0.5, 0.1, 0.4))], LABELS).label is None


def test_probabilities_of_windows_are_averaged_and_the_most_probable_label_is_taken():
    windows = [
        heard(0, "sad", spread(0.45, 0.05, 0.5), "low"),
        heard(2, "sad", spread(0.4, 0.15, 0.45), "slow"),
        heard(4, "angry", spread(0.8, 0.1, 0.1), "loud"),
    ]
    answer = merge_segments(windows[::-1], LABELS)
    assert answer.probabilities == pytest.approx(spread(0.55, 0.1, 0.35))
    assert (answer.label, answer.reason, answer.seconds) == ("angry", "loud", 7)
    assert [each.start for each in answer.segments] == [0, 2, 4]
    unread = [heard(n, None, spread(0.5, 0.1, 0.4)) for n in range(2)]
    assert merge_segments(unread, LABELS).label is None


def test_without_probabilities_the_most_frequent_label_is_taken():
    windows = [heard(n, answer) for n, answer in enumerate(("sad", None, "happy", "happy"))]
    assert merge_segments(windows, LABELS).label == "happy"
    assert merge_segments(windows[:3], LABELS).label == "happy"  # equal: the first in class order
    assert merge_segments(windows[1:2], LABELS).label is None


def test_words_are_united_and_counted_once_a_window():
    windows = [heard(0, ("shy", "glad", "shy")), heard(2, ("glad",)), heard(4, None)]
    answer = merge_segments(windows, ())
    assert dict(answer.words) == {"glad": 2, "shy": 1}
    assert list(answer.words) == ["glad", "shy"]
    assert (answer.label, answer.text, answer.captions) == (None, "glad, shy", ())


def test_captions_stay_one_a_window():
    answer = merge_segments([heard(2, "Then sad."), heard(0, "First glad.")], ())
    assert answer.captions == ("First glad.", "Then sad.")
    assert answer.text == "First glad. Then sad."
