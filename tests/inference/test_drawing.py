"""Pictures show what was answered where it was."""

import math

import numpy as np
import pytest
import soundfile

from emolit.inference.answer import Segment, merge_segments
from emolit.inference.drawing import COLUMNS, draw_waveform, draw_wheel, envelope, place_words


def test_words_lie_where_their_group_lies():
    found = place_words({"angry": 1, "furious": 1, "joyful": 1, "neutral": 1, "xyzzy": 1})
    assert found["angry"] == found["furious"] == 270.0
    assert found["joyful"] == 0.0
    assert found["neutral"] is found["xyzzy"] is None


def test_a_wheel_has_a_dot_a_word_at_its_place():
    [axes] = draw_wheel({"sad": 0.75, "neutral": 0.25}).axes
    [[theta, radius]] = axes.collections[0].get_offsets().tolist()
    assert (theta, radius) == (pytest.approx(math.pi), 0.75)
    assert [text.get_text() for text in axes.texts] == ["sad 75%"]
    assert axes.get_xlabel() == "no place on the wheel: neutral 25%"


def test_a_waveform_is_as_loud_as_the_file_and_shows_its_windows(tmp_path):
    path = tmp_path / "a.wav"
    loud = np.concatenate([np.zeros(16_000), np.full(16_000, 0.5)])
    soundfile.write(path, loud, 16_000)
    found = envelope(path, 2.0)
    assert found.shape == (COLUMNS, 2)
    assert found[: COLUMNS // 2 - 2].max() < 0.1
    assert found[COLUMNS // 2 + 2 :].max() == pytest.approx(0.5, abs=0.1)
    windows = [Segment(0, 1.5, "…", "sad"), Segment(0.5, 2.0, "…", None)]
    [axes] = draw_waveform(path, merge_segments(windows, ())).axes
    assert [list(line.get_xdata()) for line in axes.lines] == [[0, 1.5], [0.5, 2.0]]
    assert [text.get_text() for text in axes.texts] == ["sad", "unreadable"]
