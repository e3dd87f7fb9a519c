"""The caption prompt: one sentence in, one line out."""

import pytest

from emolit.prompts.base import fits
from emolit.prompts.caption import REQUEST, Caption
from emolit.types import Clip

CLIP = Clip("a", "toy", "a.wav", transcript="他说\n好", captions=("声音低沉", "语速慢"))


def test_the_transcript_is_in_the_question_by_setting_and_where_it_is_known():
    asked = Caption().render(CLIP, ("angry", "sad"))
    assert "他说 好" in asked and REQUEST in asked and "sad" not in asked
    assert Caption().render(Clip("a", "toy", "a.wav", transcript=" \n"), ()) == Caption(
        transcript=False
    ).render(CLIP, ())
    spoken = Caption(request="Describe.", quote="Words: {transcript}", instruction="Be brief.")
    assert spoken.render(CLIP, ()) == "Words: 他说 好 Describe. Be brief."


@pytest.mark.parametrize(
    ("response", "caption"),
    [
        ("声音低沉。", "声音低沉。"),
        ("  A low voice,\r\n\tslow \x00\u200b and 疲惫\u2028 ", "A low voice, slow and 疲惫"),
        ("<answer>sad</answer>", "<answer>sad</answer>"),
        ("5", "5"),
        ("", None),
        (" \n\t\x07", None),
        ("。。。！", None),
        ("… - ，？ 😀", None),
    ],
)
def test_a_caption_is_one_line_with_something_in_it(response, caption):
    assert Caption().parse(response, ("sad",)) == caption


def test_the_target_is_one_of_the_references_always_the_same_and_each_in_its_share():
    prompt = Caption()
    assert prompt.target(CLIP) == prompt.target(CLIP) in CLIP.captions
    texts = tuple(f"caption\n{number}" for number in range(5))
    drawn = [prompt.target(Clip(f"c{n}", "toy", "a.wav", captions=texts)) for n in range(500)]
    shares = [drawn.count(f"caption {number}") for number in range(5)]
    assert sum(shares) == 500 and min(shares) > 70
    assert all(fits(text, prompt.layout) for text in drawn)


def test_a_clip_without_caption_has_nothing_to_imitate():
    bare = Clip("b", "toy", "b.wav", label="sad")
    assert Caption().target(bare) is None
