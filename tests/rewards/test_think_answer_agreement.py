"""The reward for an answer that follows from the thinking: a table, and the prompt it needs."""

import pytest

from emolit.errors import ConfigError
from emolit.prompts.direct import Direct
from emolit.prompts.reasoning import Reasoning
from emolit.rewards.think_answer_agreement import ThinkAnswerAgreement
from tests.lexicons import Toy
from tests.rewards.test_base import rollout

agreement = ThinkAnswerAgreement(Toy(), ["fine"]).agreement
OPTIONS = ("angry", "fear", "sad")


@pytest.mark.parametrize(
    ("thinking", "answer", "worth"),
    [
        ("Low and slow: sad.", "sad", 1.0),
        ("It may be angry. No, SAD", "sad", 1.0),
        ("Sad words, but an angry voice", "sad", 0.0),
        ("sadness, fearful, angrily", "sad", 0.0),
        ("the voice trembles", "sad", 0.0),
        ("sad", None, 0.0),
        ("", "sad", 0.0),
        ("angry, then SAD", ("Sad", "angry"), 1.0),
        ("sad, angry, happy", ("sad",), 0.5),
        ("sad sad", ("angry", "lost"), 2 / 3),
        ("sad", ("xyzzy",), 0.0),
        ("joyful", ("happy",), 1.0),
        ("sad", (), 0.0),
    ],
)
def test_the_thinking_ends_on_the_answer_and_agrees_with_a_list(thinking, answer, worth):
    options = () if isinstance(answer, tuple) else OPTIONS
    assert agreement(f"<think>{thinking}</think>", answer, options) == pytest.approx(worth)


def test_chinese_labels_are_found_inside_a_sentence():
    options = ("悲伤", "快乐")
    assert agreement("<think>不是快乐, 听起来很悲伤。</think>", "悲伤", options) == 1.0


def test_thinking_that_is_missing_or_twice_agrees_with_nothing():
    assert agreement("<answer>sad</answer>", "sad", OPTIONS) == 0.0
    assert agreement("<think>sad</think><think>sad</think>", "sad", OPTIONS) == 0.0


def test_a_rollout_is_scored_by_the_options_of_its_question():
    responses = (("<think>sad</think><answer>sad</answer>", "<think>low</think>"),)
    assert ThinkAnswerAgreement()(rollout(responses)).values.tolist() == [[1.0, 0.0]]


def test_a_prompt_without_thinking_is_refused():
    ThinkAnswerAgreement().prepare(Reasoning())
    with pytest.raises(ConfigError, match="`Reasoning`"):
        ThinkAnswerAgreement().prepare(Direct())
