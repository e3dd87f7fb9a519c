"""BLEU against pycocoevalcap's stored values and by hand."""

import numpy as np
import pytest

from emolit.metrics.bleu import Bleu, bleu, bleu_counts, closest
from tests.metrics.pairs import STORED, cases, scored, texts


@pytest.mark.parametrize(("language", "kind"), STORED)
def test_stored_tokens_have_the_stored_scores(shared, language, kind):
    stored = cases(shared)[language][kind]
    pairs = zip(stored["tokens_hyp"], stored["tokens_ref"], strict=True)
    counts = np.array([bleu_counts(*pair) for pair in pairs])
    wanted = [stored["pycocoevalcap"][f"Bleu_{order}"] for order in range(1, 5)]
    assert bleu(counts.sum(0)) == pytest.approx([each["corpus"] for each in wanted], abs=1e-9)
    single = np.array([each["per_sentence"] for each in wanted]).T
    assert bleu(counts) == pytest.approx(single, abs=1e-9)


def test_chinese_texts_have_the_stored_scores(shared):
    stored = cases(shared)["zh"]["char"]["pycocoevalcap"]
    found = scored(Bleu("zh-char"), list(zip(*texts(shared, "zh"), strict=True)))
    wanted = {f"BLEU_{order}": stored[f"Bleu_{order}"]["corpus"] for order in range(1, 5)}
    assert found == pytest.approx(wanted, abs=1e-9)


def test_counts_are_clipped_at_the_largest_count_in_any_reference():
    counts = bleu_counts(["a", "a", "a", "b"], [["a", "b"], ["a", "a", "c"]])
    assert counts.tolist() == [3, 2, 0, 0, 4, 3, 2, 1, 4, 3]


def test_of_two_lengths_equally_close_the_shorter_counts():
    assert closest(5, [7, 3]) == 3
    assert closest(5, [6, 3]) == 6


def test_a_caption_equal_to_a_reference_has_1_and_an_empty_one_almost_0():
    text = ["a", "b", "c", "d", "e"]
    assert bleu(bleu_counts(text, [["x"], text])) == pytest.approx(np.ones(4), abs=1e-8)
    assert bleu(bleu_counts([], [text])).max() < 1e-9
    assert 0 < bleu(bleu_counts(["a", "x", "y", "z"], [text]))[3] < 1e-3
