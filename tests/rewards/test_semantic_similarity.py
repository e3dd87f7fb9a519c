"""The reward for what a caption says: against cosines of the encoder's vectors."""

from dataclasses import replace

import pytest
import torch

from emolit.errors import RewardError
from emolit.judges.encoder import SentenceEncoder
from emolit.rewards.semantic_similarity import SemanticSimilarity
from tests.fakes.models import text_model
from tests.rewards.test_base import rollout


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return SentenceEncoder(str(text_model(tmp_path_factory.mktemp("sentences"), "AutoModel")))


def captioned(*captions, answers):
    drawn = rollout((("x",) * len(answers),), (answers,))
    clip = replace(drawn.batch.clips[0], captions=captions)
    return replace(drawn, batch=replace(drawn.batch, clips=(clip,)))


def test_the_nearest_caption_counts(encoder):
    captions = ("a sad voice", "she speaks fast")
    drawn = captioned(*captions, answers=("a sad voice", "he is loud", ("sad", "low"), None, " "))
    found = SemanticSimilarity(encoder)(drawn).values[0]
    a, b, loud, words = encoder.encode([*captions, "he is loud", "sad, low"])
    assert found[0].item() == pytest.approx(1.0, abs=1e-6)
    assert found[1].item() == pytest.approx(float(1 + max(a @ loud, b @ loud)) / 2, abs=1e-6)
    assert found[2].item() == pytest.approx(float(1 + max(a @ words, b @ words)) / 2, abs=1e-6)
    assert found[3:].tolist() == [0.0, 0.0]


def test_it_does_not_apply_without_captions(encoder):
    assert SemanticSimilarity(encoder)(captioned(answers=("sad", None))).values.isnan().all()


def test_captions_of_one_clip_say_nothing_of_another(encoder):
    one = captioned("a sad voice", answers=("a sad voice",))
    clips = (one.batch.clips[0], replace(one.batch.clips[0], captions=()))
    both = replace(
        rollout((("x",), ("x",)), (("a sad voice",), ("a sad voice",))),
        batch=replace(one.batch, clips=clips),
    )
    found = SemanticSimilarity(encoder)(both).values
    assert found[0, 0] > 0.99 and found[1, 0].isnan()


def test_scores_are_float32_whatever_the_default_is(encoder):
    torch.set_default_dtype(torch.bfloat16)  # as Lightning does under bf16-true
    try:
        found = SemanticSimilarity(encoder)(captioned("sad", answers=("happy", "low"))).values
    finally:
        torch.set_default_dtype(torch.float32)
    expected = SemanticSimilarity(encoder)(captioned("sad", answers=("happy", "low"))).values
    assert torch.equal(found, expected)


def test_a_failure_is_told_with_its_clips(encoder):
    class Broken(SentenceEncoder):
        def encode(self, items, device="cpu"):
            raise RuntimeError("out of memory")

    drawn = captioned("sad", answers=("sad",))
    with pytest.raises(RewardError, match=r"on the clips \['c0'\] failed .*out of memory"):
        SemanticSimilarity(Broken("x"))(drawn)
