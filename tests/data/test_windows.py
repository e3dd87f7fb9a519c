"""Windows cover a recording, have one length, and overlap as wanted."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolit.data.windows import cut_windows, windows_of
from emolit.errors import ConfigError
from emolit.types import Clip


@given(st.floats(0.01, 5000), st.floats(0.5, 60), st.floats(0, 0.9))
def test_windows_cover_all_and_none_is_longer(seconds, window, overlap):
    found = cut_windows(seconds, window, overlap)
    assert found[0][0] == 0
    assert found[-1][1] == pytest.approx(seconds)
    hop = window * (1 - overlap)
    for (start, end), (after, _) in pairwise(found):
        assert start < after <= end + 1e-9
        assert after - start <= hop + 1e-6
    assert all(end - start <= window + 1e-6 for start, end in found)
    if seconds > window:
        assert all(end - start == pytest.approx(window) for start, end in found)


def test_a_segment_of_a_file_is_cut_from_its_own_start():
    clip = Clip("a", "toy", "a.wav", start=10.0, end=15.0, seconds=5.0)
    found = windows_of(clip, 3.0, 0.0)
    assert [(each.id, each.start, each.end, each.seconds) for each in found] == [
        ("a@0.00", 10.0, 13.0, 3.0),
        ("a@2.00", 12.0, 15.0, 3.0),
    ]


@pytest.mark.parametrize("overlap", [-0.1, 1.0])
def test_an_overlap_that_goes_nowhere_is_refused(overlap):
    with pytest.raises(ConfigError, match="share of the window"):
        cut_windows(3.0, 1.0, overlap)
