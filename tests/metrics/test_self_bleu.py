"""Self-BLEU against its definition: the BLEU of each caption, the others being references."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolit.metrics.bleu import bleu, bleu_counts
from emolit.metrics.self_bleu import SAMPLE, SelfBleu, self_bleu
from tests.metrics.pairs import scored

captions = st.lists(st.lists(st.sampled_from("ab"), max_size=6), min_size=2, max_size=6)


@given(captions=captions)
def test_it_is_the_mean_of_each_against_all_others(captions):
    found = [
        bleu(bleu_counts(caption, captions[:place] + captions[place + 1 :]))[3]
        for place, caption in enumerate(captions)
    ]
    assert self_bleu(captions) == pytest.approx(float(np.mean(found)), abs=1e-12)


def test_one_caption_has_no_others():
    assert math.isnan(self_bleu([["a"]]))


def test_of_many_captions_the_same_500_are_drawn_whatever_their_order():
    rng = np.random.default_rng(1)
    said = ["".join(rng.choice(list("abcdefg"), 9)) for _ in range(SAMPLE + 200)]
    pairs = [(" ".join(text), ["a"]) for text in said]
    found = scored(SelfBleu("en-13a"), pairs)
    assert scored(SelfBleu("en-13a"), pairs[::-1]) == found
    whole = self_bleu([list(text) for text in said])
    assert found["self_BLEU"] != whole
    assert found["self_BLEU"] == pytest.approx(whole, abs=0.05)
