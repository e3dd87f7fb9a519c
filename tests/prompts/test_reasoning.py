"""The reasoning prompt: an answer counts behind the thinking, not inside it."""

import json
from dataclasses import replace

import pytest

from emolit.prompts.base import fits
from emolit.prompts.reasoning import Reasoning
from emolit.types import Clip

OPTIONS = ("angry", "sad")


def test_the_target_is_read_back_as_the_label_and_fits_the_layout():
    clip = Clip(id="a", corpus="toy", path="a.wav", label="sad", transcript="hello")
    prompt = Reasoning(thought="They say {transcript}.")
    assert "They say hello." in prompt.target(clip)
    assert prompt.parse(prompt.target(clip), OPTIONS) == "sad"
    assert fits(prompt.target(clip), "<think>…</think><answer>…</answer>")


def test_thoughts_from_a_file_stand_in_the_target_of_their_clip_alone(tmp_path):
    file = tmp_path / "thoughts.jsonl"
    row = {
        "corpus": "toy",
        "id": "a",
        "content": "Few words.",
        "acoustics": "Low.",
        "summary": "Weak.",
    }
    file.write_text(json.dumps(row) + "\n", encoding="utf-8")
    prompt = Reasoning(rationales=str(file))
    clip = Clip(id="a", corpus="toy", path="a.wav", label="sad")
    wanted = "<think>Few words. Low. Weak.</think><answer>sad</answer>"
    assert prompt.target(clip) == wanted
    assert prompt.target(replace(clip, corpus="other")) is None
    assert prompt.target(replace(clip, label=None)) is None


@pytest.mark.parametrize(
    "response",
    [
        "<answer>sad</answer>",
        "<think>low<answer>sad</answer></think>",
        "<answer>sad</answer><think>low</think>",
        "<think>a</think><think>b</think><answer>sad</answer>",
        "<think>low</think><answer>blue</answer>",
        "<think>low<answer>sad</answer>",
    ],
)
def test_an_unreadable_answer_is_none(response):
    assert Reasoning().parse(response, OPTIONS) is None
