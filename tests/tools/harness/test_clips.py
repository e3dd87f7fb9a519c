"""What the harness runs of a task: answers word for word, sound as it was written."""

import numpy as np
import pytest
import soundfile

from tools.harness.clips import read_sound, score


@pytest.mark.parametrize(
    ("reply", "right"),
    [
        ("<answer>sad</answer>", 1.0),
        ("<think>Happy?</think><answer> Sad ", 1.0),
        ("sad", 1.0),
        ("<answer>happy</answer>", 0.0),
        ("<answer>not sad</answer>", 0.0),
        ("", 0.0),
    ],
)
def test_an_answer_is_right_if_it_is_the_label(reply, right):
    assert score({"label": "sad"}, [reply]) == {"accuracy": right}


def test_sound_comes_back_as_it_was_written(tmp_path):
    wave = np.linspace(-1.5, 1.5, 100, dtype="float32")
    soundfile.write(tmp_path / "a.wav", wave, 8_000, subtype="FLOAT")
    [found] = read_sound({"audio": str(tmp_path / "a.wav")})
    assert found["sampling_rate"] == 8_000
    assert np.array_equal(found["array"], wave)
