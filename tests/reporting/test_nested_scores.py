"""The entry of one corpus holds its own scores and signatures, and no other's."""

import math

import torch

from emolit.reporting.nested_scores import nest_scores, nest_signatures


def test_scores_of_a_corpus_whose_name_begins_another_stay_apart():
    scores = {"one/UA": torch.tensor(0.5), "one_more/UA": torch.tensor(math.nan)}
    assert nest_scores(scores, "one") == {"UA": 0.5}
    assert nest_scores(scores, "one_more") == {"UA": None}


def test_signatures_stand_beside_the_scores_of_their_corpus():
    told = {"one/BLEU_4": "tok:zh-char", "one/x/y": "z", "one_more/BLEU_4": "tok:en-13a"}
    assert nest_signatures(told, "one") == {"signatures": {"BLEU_4": "tok:zh-char", "x/y": "z"}}
    assert nest_signatures(told, "two") == {}
