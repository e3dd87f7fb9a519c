"""ROUGE-L against pycocoevalcap's stored values; the subsequence against the textbook's table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolit.metrics.rouge_l import RougeL, lcs_length, rouge_l
from tests.metrics.pairs import STORED, cases, scored, texts


@pytest.mark.parametrize(("language", "kind"), STORED)
def test_stored_tokens_have_the_stored_scores(shared, language, kind):
    stored = cases(shared)[language][kind]
    wanted = stored["pycocoevalcap"]["ROUGE_L"]
    pairs = zip(stored["tokens_hyp"], stored["tokens_ref"], strict=True)
    found = [rouge_l(*pair) for pair in pairs]
    assert found == pytest.approx(wanted["per_sentence"], abs=1e-9)
    assert sum(found) / len(found) == pytest.approx(wanted["corpus"], abs=1e-9)


def test_chinese_texts_have_the_stored_score(shared):
    stored = cases(shared)["zh"]["char_nopunct"]["pycocoevalcap"]["ROUGE_L"]["corpus"]
    found = scored(RougeL("zh-char-nopunct"), list(zip(*texts(shared, "zh"), strict=True)))
    assert found == pytest.approx({"ROUGE_L": stored}, abs=1e-9)


def table(one, other):
    """The length by dynamic programming, cell by cell."""
    row = [0] * (len(other) + 1)
    for token in one:
        above = row[:]
        for place, candidate in enumerate(other):
            row[place + 1] = (
                above[place] + 1 if token == candidate else max(above[place + 1], row[place])
            )
    return row[-1]


tokens = st.lists(st.sampled_from("abc"), max_size=90)


@given(one=tokens, other=tokens)
def test_the_subsequence_is_as_long_as_in_the_table(one, other):
    assert lcs_length(one, other) == lcs_length(other, one) == table(one, other)


def test_precision_and_recall_may_be_of_two_references():
    """P = 2/2 of the first, R = 1/1 of the second; no single reference gives 1."""
    assert rouge_l(["a", "b"], [["a", "x", "b", "y"], ["b"]]) == 1.0


def test_what_is_empty_is_worth_0():
    assert rouge_l([], [["a"]]) == rouge_l(["a"], [[]]) == rouge_l([], [[]]) == 0.0
    assert rouge_l(["a"], [["b"]]) == 0.0
