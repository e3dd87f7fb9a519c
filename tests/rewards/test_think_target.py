"""The reward for thinking that names the right emotions: a table, and the prompt it needs."""

import pytest

from emolit.errors import ConfigError
from emolit.prompts.direct import Direct
from emolit.prompts.open_vocabulary import OpenVocabulary
from emolit.rewards.think_target import ThinkTarget
from emolit.types import Clip
from tests.lexicons import Toy


@pytest.mark.parametrize(
    ("response", "worth"),
    [
        ("<think>A sad, ANGRY voice.</think><answer>happy</answer>", 1.0),
        ("<think>happy, sad</think>", (0.5 + 2 / 3) / 2),
        ("<think>a low pitch</think><answer>sad, angry</answer>", 0.0),
        ("<answer>sad, angry</answer>", 0.0),
        ("<think>sad</think><think>angry</think>", 0.0),
        ("", 0.0),
    ],
)
def test_the_thinking_names_the_gold_words(response, worth):
    clip = Clip("a", "toy", "a.wav", words=("sad", "angry"))
    assert ThinkTarget(Toy()).score(clip, response, None) == pytest.approx(worth)


def test_it_applies_where_gold_has_a_group():
    clip = Clip("a", "toy", "a.wav", words=("xyzzy",))
    assert ThinkTarget(Toy()).score(clip, "<think>sad</think>", ("sad",)) is None


def test_a_prompt_without_thinking_is_refused():
    ThinkTarget().prepare(OpenVocabulary(think=True))
    for prompt in (Direct(), OpenVocabulary()):
        with pytest.raises(ConfigError, match="'think_target' looks for <think>"):
            ThinkTarget().prepare(prompt)
