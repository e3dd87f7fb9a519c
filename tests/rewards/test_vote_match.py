"""The match of a group with the votes, against scipy's divergence, and what it teaches."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon

from emolit.rewards.vote_match import VoteMatch, worths
from emolit.types import Clip, Sampling
from tests.tasks.toy import Table, asked

VOTES = {"sad": 6, "neutral": 3, "angry": 1}
NAMES = ("sad", "neutral", "angry", "happy", None)


def match(answers):
    """1 less scipy's divergence of a group from the votes."""
    p, q = ([each.get(name, 0) for name in NAMES] for each in (Counter(answers), VOTES))
    return 1 - jensenshannon(np.array(p), np.array(q), base=2) ** 2


@pytest.mark.parametrize("answers", [["sad"], ["sad", "neutral", None], ["happy"] * 3, [*NAMES]])
def test_an_answer_is_worth_what_the_match_would_lose_without_it(answers):
    by_scipy = [match(answers)] if len(answers) == 1 else [
        len(answers) * (match(answers) - match(answers[:k] + answers[k + 1 :]))
        for k in range(len(answers))
    ]  # fmt: skip
    assert worths(answers, VOTES) == pytest.approx(by_scipy, abs=1e-9)


def test_the_answer_that_the_group_lacks_earns_most():
    found = worths(["sad"] * 6 + ["neutral"], VOTES)
    assert found[-1] > found[0]
    matched = worths(["sad"] * 6 + ["neutral"] * 3 + ["angry"], VOTES)
    assert min(matched) > 0  # the group is perfect, and each answer is needed
    assert worths(["happy", "sad"], VOTES)[0] < 0 < worths(["happy", "sad"], VOTES)[1]


def test_a_rollout_is_scored_group_by_group_and_clips_without_votes_are_not():
    voted = Clip(id="0", corpus="toy", path="0.wav", votes={"sad": 1})
    batch = asked(2)
    empty = replace(batch.clips[1], votes={"sad": 0})  # a table may say so
    batch = replace(batch, clips=(voted, empty))
    tokens = torch.tensor([[[3], [0]], [[3], [0]]])
    rollout = replace(Table()._rollout(batch, tokens, Sampling()), answers=(("sad", "angry"),) * 2)
    found = VoteMatch()(rollout).values
    assert found[0].tolist() == pytest.approx(worths(["sad", "angry"], {"sad": 1}))
    assert found[1].isnan().all()
