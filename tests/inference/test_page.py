"""What a page shows of an answer; tests/commands/test_demo.py opens it in a browser."""

import sys

import numpy as np
import pytest
import soundfile

from emolit.errors import ConfigError
from emolit.inference.answer import Segment, merge_segments
from emolit.inference.listener import Listener
from emolit.inference.page import build_page, parts_of, question_of, shares_of
from emolit.prompts.open_vocabulary import OpenVocabulary
from tests.fakes.checkpoint import LABELS, write_checkpoint


@pytest.fixture(scope="module")
def listener(tmp_path_factory, nano_folder):
    return Listener(write_checkpoint(tmp_path_factory.mktemp("a") / "best", nano_folder))


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "take.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(0).normal(size=40_000), 16_000)
    return path


def test_a_column_shows_answer_probabilities_wheel_reasoning_sound_and_windows(listener, clip):
    text, shares, wheel, reason, sound, rows = parts_of(listener, clip)
    answer = listener.predict(clip)
    assert text == f"## {answer.label or 'The answer cannot be read.'}"
    assert shares == dict(answer.probabilities)
    assert len(wheel.axes[0].collections) == len(LABELS)
    assert reason == "The model was not asked to think aloud."
    assert len(sound.axes[0].lines) == len(rows) == 3
    assert [row[:2] for row in rows] == [[0.0, 1.0], [0.75, 1.75], [1.5, 2.5]]


def test_words_count_by_the_share_of_windows():
    windows = [Segment(0, 1, "…", ("shy", "glad")), Segment(1, 2, "…", ("glad",))]
    assert shares_of(merge_segments(windows, ())) == {"glad": 1.0, "shy": 0.5}


def test_an_open_prompt_has_no_probabilities(tmp_path, nano_folder, clip):
    listener = Listener(write_checkpoint(tmp_path / "a", nano_folder, OpenVocabulary()))
    assert parts_of(listener, clip)[1] is None
    assert question_of(listener) == "It answers in its own words. It hears 1 s at a time."


def test_without_gradio_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(ConfigError, match=r"pip install 'emolit\[demo\]'"):
        build_page([])
