"""Shares of labels that are right and said, and the one that falls silent."""

from dataclasses import replace

import torch

from emolit.callbacks.label_shares import label_shares, quietest
from tests.tasks.toy import WORDS, Table, asked


def test_shares_are_counted_over_clips_and_over_responses():
    batch = asked(5)  # angry, happy, neutral, sad, angry
    tokens = torch.tensor([0, 0, 1, 0, 1, 1, 0, 0, 3, 1]).view(5, 2, 1)
    rollout = Table(5)._rollout(batch, tokens, None)
    answers = tuple(tuple(WORDS[t] for t in group.flatten()) for group in tokens)
    answers = ((None, answers[0][1]), *answers[1:])
    right, said = label_shares(replace(rollout, answers=answers)).tolist()
    assert right == [0.4, 0.2, 0.2, 0.2]
    assert said == [0.4, 0.4, 0.0, 0.1]  # one of ten is unreadable


def test_the_label_said_least_beside_its_share_is_told():
    shares = torch.tensor([[0.5, 0.0, 0.5], [0.4, 0.0, 0.05]])
    assert quietest(shares, ["a", "b", "c"]) == ("c", 0.1)


def test_open_answers_and_clips_without_labels_have_none():
    rollout = Table()._rollout(asked(), torch.zeros(4, 1, 1, dtype=torch.long), None)
    assert not label_shares(replace(rollout, answers=((("sad",),),) * 4)).any()
    assert not label_shares(replace(rollout, answers=(("a tired voice",),) * 4)).any()
    assert quietest(torch.zeros(2, 0), []) == ("", 1.0)
    assert quietest(torch.zeros(2, 1), ["a"]) == ("", 1.0)
