"""Distinct-n against stored values and by hand."""

import math

import pytest

from emolit.metrics.distinct import Distinct, distinct
from tests.metrics.pairs import STORED, cases, scored, texts


@pytest.mark.parametrize(("language", "kind"), STORED)
def test_stored_tokens_have_the_stored_scores(shared, language, kind):
    stored = cases(shared)[language][kind]
    for order in (1, 2):
        wanted = stored["distinct"][f"distinct_{order}_corpus"]
        assert distinct(stored["tokens_hyp"], order) == pytest.approx(wanted, abs=1e-9)


def test_numbers_of_tokens_and_words_stand_beside(shared):
    stored = cases(shared)["zh"]["char"]["distinct"]
    found = scored(Distinct("zh-char"), list(zip(*texts(shared, "zh"), strict=True)))
    assert (found["vocabulary"], found["tokens"]) == (stored["vocab_size"], stored["n_tokens"])
    assert found["Distinct_2"] == pytest.approx(stored["distinct_2_corpus"], abs=1e-9)


def test_it_is_of_the_whole_output_and_no_bigram_spans_two_captions():
    assert distinct([["a", "b"], ["a", "b"], ["c"]], 2) == 0.5
    assert math.isnan(distinct([["a"], []], 2))
