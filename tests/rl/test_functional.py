"""Functions on log-probabilities: hand-derived values, extremes, and what masks must hide."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from emolit.rl.functional import (
    clipped_surrogate,
    entropy,
    k1,
    k2,
    k3,
    log_ratio,
    masked_mean,
    outside,
    pack,
    safe_ratio,
    selective_log_softmax,
    sequence_log_ratio,
    unpack,
    warp,
)

NONE = torch.empty(0, dtype=torch.long)


def test_kl_estimators_equal_their_formulas_by_hand():
    p, q = torch.tensor([math.log(0.5)]), torch.tensor([math.log(0.25)])
    mask = torch.tensor([True])
    assert k1(p, q, mask).item() == pytest.approx(math.log(2))
    assert k2(p, q, mask).item() == pytest.approx(math.log(2) ** 2 / 2)
    assert k3(p, q, mask).item() == pytest.approx(0.5 + math.log(2) - 1)


def test_kl_estimators_average_to_the_exact_divergence():
    torch.manual_seed(0)
    p, q = torch.randn(6).log_softmax(-1), torch.randn(6).log_softmax(-1)
    exact = (p.exp() * (p - q)).sum()
    mask = torch.ones(6, dtype=torch.bool)
    for estimator in (k1, k3):
        torch.testing.assert_close((p.exp() * estimator(p, q, mask)).sum(), exact)


@pytest.mark.parametrize("size", [0.0, 1.0, 100.0, 1e4, -1e4, float("inf"), float("nan")])
def test_ratio_is_finite_in_value_and_gradient(size):
    numerator = torch.tensor([size, 0.0, float("-inf")], requires_grad=True)
    mask = torch.tensor([math.isfinite(size), True, False])
    ratio = safe_ratio(numerator, torch.zeros(3), mask)
    loss = torch.minimum(ratio * -1, ratio.clamp(0.8, 1.2) * -1)[mask].sum() + ratio.sum()
    loss.backward()
    assert torch.isfinite(ratio).all()
    assert torch.isfinite(numerator.grad).all()
    assert numerator.grad[2] == 0


def test_log_ratio_is_exact_inside_its_bound():
    values = torch.tensor([-3.0, 0.0, 3.0])
    mask = torch.ones(3, dtype=torch.bool)
    torch.testing.assert_close(log_ratio(values, torch.ones(3), mask), values - 1)


def test_the_log_ratio_of_a_response_is_the_sum_of_its_tokens_and_bounded():
    values = torch.tensor([[[0.5, -0.2, float("nan")], [15.0, 15.0, 0.0]]])
    mask = torch.tensor([[[True, True, False], [True, True, True]]])
    found = sequence_log_ratio(values, torch.zeros(1, 2, 3), mask)
    torch.testing.assert_close(found, torch.tensor([[[0.3], [20.0]]]))


def test_the_surrogate_never_gains_by_leaving_the_region():
    ratio = torch.tensor([0.5, 0.9, 1.25, 2.0])
    gains = clipped_surrogate(ratio, torch.tensor(1.0), 0.2, 0.28)
    torch.testing.assert_close(gains, torch.tensor([0.5, 0.9, 1.25, 1.28]))
    losses = clipped_surrogate(ratio, torch.tensor(-1.0), 0.2, 0.28)
    torch.testing.assert_close(losses, -torch.tensor([0.8, 0.9, 1.25, 2.0]))
    assert outside(ratio, 0.2, 0.28).tolist() == [1.0, 0.0, 0.0, 1.0]


def test_masked_mean_ignores_what_is_masked_out_and_empty_rows():
    values = torch.tensor([[1.0, float("nan")], [float("inf"), 5.0]])
    mask = torch.tensor([[True, False], [False, False]])
    assert masked_mean(values, mask, dim=-1).tolist() == [1.0, 0.0]


def test_forbidden_tokens_get_no_mass_and_the_rest_sums_to_one():
    logits = torch.zeros(2, 5)
    logits[:, 3] = 100.0
    warped = warp(logits, torch.tensor([3]), 1.0, 1.0, 0)
    assert (warped.softmax(-1)[:, 3] == 0).all()
    torch.testing.assert_close(warped.softmax(-1).sum(-1), torch.ones(2))


def test_temperature_divides_the_logits():
    logits = torch.tensor([1.0, 2.0, 4.0])
    torch.testing.assert_close(warp(logits, NONE, 2.0, 1.0, 0), logits / 2)


def test_top_k_and_top_p_keep_what_their_names_say():
    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log()
    kept = lambda warped: torch.isfinite(warped).tolist()  # noqa: E731
    assert kept(warp(logits, NONE, 1.0, 1.0, 2)) == [True, True, False, False]
    assert kept(warp(logits, NONE, 1.0, 0.5, 0)) == [True, False, False, False]
    assert kept(warp(logits, NONE, 1.0, 0.51, 0)) == [True, True, False, False]
    assert kept(warp(logits.flip(0), NONE, 1.0, 0.51, 0)) == [False, False, True, True]


def test_selective_log_softmax_and_entropy_equal_torch():
    torch.manual_seed(0)
    logits, tokens = torch.randn(3, 7), torch.tensor([1, 4, 6])
    whole = torch.distributions.Categorical(logits=logits)
    torch.testing.assert_close(selective_log_softmax(logits, tokens), whole.log_prob(tokens))
    torch.testing.assert_close(entropy(logits), whole.entropy())
    logits[:, 2] = float("-inf")
    assert torch.isfinite(entropy(logits)).all()


@given(st.lists(st.lists(st.booleans(), min_size=11, max_size=11), min_size=1, max_size=3))
def test_packed_booleans_come_back(rows):
    kept = torch.tensor(rows)
    assert pack(kept).shape == (len(rows), 2)
    assert torch.equal(unpack(pack(kept), 11), kept)
