"""What a response adds to the CCC of its batch, by numpy."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from emolit.rewards.rating_concordance import RatingConcordance
from emolit.types import Batch, Clip, Rating, Rollout, Sampling


def rollout(golds, answers, high=5.0):
    """Golds by clip, numbers by clip and response; None is unreadable."""
    clips = tuple(
        Clip(
            str(i), "toy", "a.wav", attributes={} if g is None else {"valence": Rating(g, 1, high)}
        )
        for i, g in enumerate(golds)
    )
    batch = Batch(clips, ("?",) * len(clips), (None,) * len(clips), (), (), 16_000)
    told = tuple(
        tuple(None if n is None else (f"valence {n}",) for n in group) for group in answers
    )
    shape = (len(clips), len(answers[0]), 1)
    ones = torch.ones(shape, dtype=torch.bool)
    tokens, nothing = torch.zeros(shape, dtype=torch.long), torch.zeros(shape)
    said = tuple(("?",) * len(group) for group in answers)
    return Rollout(batch, tokens, ones, nothing, ones[..., 0], said, Sampling(), told)


def ccc(p, t):
    return 2 * np.cov(p, t, ddof=0)[0, 1] / (np.var(p) + np.var(t) + (np.mean(p) - np.mean(t)) ** 2)


GOLDS = [1.0, 2.5, 4.0, 5.0]
SAID = [[1, 3], [2, 2.5], [5, 3.5], [4.5, 1]]


def test_a_response_is_worth_the_ccc_with_it_less_that_without_its_clip():
    found = RatingConcordance()(rollout(GOLDS, SAID)).values
    means = np.mean(SAID, axis=1)
    for clip in range(4):
        rest = [other for other in range(4) if other != clip]
        without = ccc(means[rest], np.array(GOLDS)[rest])
        for g in range(2):
            told = means.copy()
            told[clip] = SAID[clip][g]
            assert found[clip, g].item() == pytest.approx(
                4 * (ccc(told, GOLDS) - without), abs=1e-5
            )


def test_an_unreadable_answer_is_the_farther_end_and_scales_do_not_matter():
    odd = [[1, None], *SAID[1:]]
    plain = [[1, 5], *SAID[1:]]
    found, expected = (RatingConcordance()(rollout(GOLDS, each)).values for each in (odd, plain))
    torch.testing.assert_close(found, expected)
    wide = [[1 + 2 * (n - 1) for n in group] for group in SAID]
    scaled = rollout([1 + 2 * (g - 1) for g in GOLDS], wide, high=9.0)
    narrow = RatingConcordance()(rollout(GOLDS, SAID)).values
    torch.testing.assert_close(RatingConcordance()(scaled).values, narrow)


def test_it_does_not_apply_without_ratings_or_to_two_clips():
    values = RatingConcordance()(rollout([*GOLDS, None], [*SAID, [3, 3]])).values
    assert values[4].isnan().all() and not values[:4].isnan().any()
    assert RatingConcordance()(rollout(GOLDS[:2], SAID[:2])).values.isnan().all()
    words = replace(rollout(GOLDS, SAID), answers=((("sad",),) * 2,) * 4)
    assert RatingConcordance()(words).values.isnan().all()
