"""CIDEr-D against pycocoevalcap's stored values and by hand."""

from math import exp, log

import pytest

from emolit.metrics.cider_d import CiderD, Frequencies, cider_d
from tests.metrics.pairs import STORED, cases, scored, texts


@pytest.mark.parametrize(("language", "kind"), STORED)
def test_stored_tokens_have_the_stored_scores(shared, language, kind):
    stored = cases(shared)[language][kind]
    wanted = stored["pycocoevalcap"]["CIDEr"]
    frequencies = Frequencies.count(stored["tokens_ref"])
    pairs = zip(stored["tokens_hyp"], stored["tokens_ref"], strict=True)
    found = [cider_d(*pair, frequencies) for pair in pairs]
    assert found == pytest.approx(wanted["per_sentence"], abs=1e-9)
    assert sum(found) / len(found) == pytest.approx(wanted["corpus"], abs=1e-9)


def test_chinese_texts_have_the_stored_score(shared):
    stored = cases(shared)["zh"]["char"]["pycocoevalcap"]["CIDEr"]["corpus"]
    found = scored(CiderD("zh-char"), list(zip(*texts(shared, "zh"), strict=True)))
    assert found == pytest.approx({"CIDEr_D": stored}, abs=1e-9)


def test_frequencies_count_items_not_references():
    found = Frequencies.count([[["a", "b"], ["a"]], [["a"]], [["c"]]])
    assert (found.items, found.counts["a",], found.counts["a", "b"]) == (3, 2, 1)
    assert found.rarity(("a",)) == pytest.approx(log(3 / 2))
    assert found.rarity(("never",)) == pytest.approx(log(3))


def test_repeating_a_word_is_clipped_and_length_is_penalized():
    """Of order 1 the caption has weight 3, clipped at 1: 1 / 3; d = 2 bigrams."""
    frequencies = Frequencies.count([[["a"]], [["b"]]])
    found = cider_d(["a"] * 3, [["a"]], frequencies)
    assert found == pytest.approx(10 / 4 * (1 / 3) * exp(-4 / 72))


def test_words_of_every_item_and_empty_captions_are_worth_nothing():
    frequencies = Frequencies.count([[["a"]], [["a"]]])
    assert cider_d(["a"], [["a"]], frequencies) == 0.0
    assert cider_d([], [["b"]], frequencies) == cider_d(["b"], [[]], frequencies) == 0.0


@pytest.mark.parametrize("pairs", [[("a b", ("a b",))], [("a", ("a b",)), ("c", ("a b",))]])
def test_a_score_that_is_zero_whatever_is_said_is_told(pairs, caplog):
    assert scored(CiderD("en-13a"), pairs)["CIDEr_D"] == 0.0
    assert f"CIDEr-D is 0 whatever is said: all {len(pairs)} clips" in caplog.text
