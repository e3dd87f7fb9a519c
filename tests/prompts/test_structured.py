"""The structured prompt: three fields of thought, then an answer."""

import json
from dataclasses import replace

import pytest

from emolit.prompts.base import fits
from emolit.prompts.structured import Structured
from emolit.rewards.well_formed import WellFormed
from emolit.types import Clip

OPTIONS = ("angry", "sad")
CLIP = Clip(id="a", corpus="toy", path="a.wav", label="sad")
REPLY = (
    "<think><content>Few words.</content><acoustics>Low.</acoustics>"
    "<summary>Weak.</summary></think>"
    "<answer>sad</answer>"
)


@pytest.fixture
def prompt(tmp_path):
    file = tmp_path / "thoughts.jsonl"
    row = {
        "corpus": "toy",
        "id": "a",
        "content": "Few words.",
        "acoustics": "Low.",
        "summary": "Weak.",
    }
    file.write_text(json.dumps(row) + "\n", encoding="utf-8")
    return Structured(rationales=str(file))


def test_the_target_is_the_layout_that_the_question_asks_for(prompt):
    assert prompt.target(CLIP) == REPLY
    assert prompt.parse(REPLY, OPTIONS) == "sad"
    assert fits(REPLY, prompt.layout)
    question = prompt.render(CLIP, OPTIONS)
    positions = [question.index(f"<{tag}>") for tag in ("think", "content", "acoustics", "summary")]
    assert positions == sorted(positions)


def test_a_clip_without_thought_or_label_has_no_target(prompt):
    assert prompt.target(replace(CLIP, id="b")) is None
    assert prompt.target(replace(CLIP, label=None)) is None
    assert Structured().target(CLIP) is None


def test_thinking_without_fields_is_readable_and_not_well_formed(prompt):
    reply = "<think>low</think><answer>sad</answer>"
    reward = WellFormed()
    reward.prepare(prompt)
    assert prompt.parse(reply, OPTIONS) == "sad"
    assert reward.score(CLIP, reply, "sad") == 0.0
    assert reward.score(CLIP, REPLY, "sad") == 1.0


@pytest.mark.parametrize(
    "response",
    [
        "",
        "<answer>sad</answer>",
        "<think>a</think><answer>blue</answer>",
        "<think>a<answer>sad</answer>",
    ],
)
def test_an_unreadable_answer_is_none(response):
    assert Structured().parse(response, OPTIONS) is None
