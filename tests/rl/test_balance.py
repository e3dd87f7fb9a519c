"""Weights by label: 1 on average, and equal shares at balance 1."""

import pytest

from emolit.rl.balance import label_weights

COUNTS = {"sad": 2, "happy": 10, "neutral": 88}


@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0])
def test_the_mean_over_clips_is_one(balance):
    weights = label_weights(COUNTS, balance)
    assert sum(weights[name] * count for name, count in COUNTS.items()) == pytest.approx(100)


def test_shares_of_labels_go_from_their_counts_to_equal_ones():
    shares = {b: [label_weights(COUNTS, b)[n] * c for n, c in COUNTS.items()] for b in (0, 0.5, 1)}
    assert shares[0] == pytest.approx([2, 10, 88])
    assert shares[1] == pytest.approx([100 / 3] * 3)
    roots = [2**0.5, 10**0.5, 88**0.5]
    assert shares[0.5] == pytest.approx([100 * root / sum(roots) for root in roots])
