"""The KL: prices, estimators and their gradients by enumeration, the adaptive price by hand."""

import pytest
import torch

from emolit.errors import ConfigError
from emolit.rl.functional import k1, k2, k3
from emolit.rl.kl import KL, AdaptiveKL
from tests.objectives.cases import scored


def vocabulary(behavior):
    """Return a rollout that holds every token of a vocabulary once."""
    shape = (1, 1, len(behavior))
    mask = torch.ones(shape, dtype=torch.bool)
    return scored(behavior.view(shape), mask, torch.zeros(1, 1)).rollout


def test_the_price_is_the_coefficient_times_the_estimate():
    logs, reference = torch.tensor([0.5]).log(), torch.tensor([0.25]).log()
    rollout = vocabulary(logs)
    for estimator in (k1, k2, k3):
        nats = estimator(logs, reference, torch.tensor([True]))
        found = KL(0.1, estimator)(logs.view(1, 1, 1), reference.view(1, 1, 1), rollout)
        torch.testing.assert_close(found.flatten(), 0.1 * nats)


def test_a_price_of_zero_and_a_reference_that_was_not_asked_cost_nothing():
    logs = torch.tensor([0.5]).log().view(1, 1, 1)
    assert KL(0.0)(logs, logs - 1, vocabulary(logs.flatten())) == 0
    assert KL(0.1)(logs, None, vocabulary(logs.flatten())) == 0
    assert not KL(0.0).on


@pytest.mark.parametrize("apart", [0.0, 0.5])
def test_the_weighted_k3_has_the_value_and_the_gradient_of_the_kl(apart):
    """On policy and off: the mean over what the behavior policy draws, by enumeration."""
    random = torch.Generator().manual_seed(0)
    logits, reference, noise = torch.randn(3, 6, generator=random, dtype=torch.float64)
    reference = reference.log_softmax(-1)
    behavior = (logits + apart * noise).log_softmax(-1)

    def gradient(loss, leaf):
        return torch.autograd.grad(loss, leaf)[0]

    exact = logits.clone().requires_grad_()
    logs = exact.log_softmax(-1)
    divergence = (logs.exp() * (logs - reference)).sum()
    found = {}
    for weighted in (False, True):
        leaf = logits.clone().requires_grad_()
        price = KL(1.0, k3, weighted)(
            leaf.log_softmax(-1).view(1, 1, -1), reference.view(1, 1, -1), vocabulary(behavior)
        )
        value = (behavior.exp() * price.flatten()).sum()
        found[weighted] = (value.detach(), gradient(value, leaf))
    expected = gradient(divergence, exact)
    torch.testing.assert_close(found[True][0], divergence.detach())
    torch.testing.assert_close(found[True][1], expected)
    assert not torch.allclose(found[False][1], expected, rtol=0.1)


def test_without_weights_k1_has_no_gradient_on_policy_and_k2_has_that_of_the_kl():
    random = torch.Generator().manual_seed(0)
    logits, reference = torch.randn(2, 6, generator=random, dtype=torch.float64)
    reference = reference.log_softmax(-1)
    chances = logits.softmax(-1)
    found = {}
    for estimator in (k1, k2):
        leaf = logits.clone().requires_grad_()
        price = KL(1.0, estimator)(
            leaf.log_softmax(-1).view(1, 1, -1), reference.view(1, 1, -1), vocabulary(logits)
        )
        found[estimator] = torch.autograd.grad((chances * price.flatten()).sum(), leaf)[0]
    torch.testing.assert_close(found[k1], torch.zeros(6, dtype=torch.float64))
    exact = logits.clone().requires_grad_()
    logs = exact.log_softmax(-1)
    expected = torch.autograd.grad((logs.exp() * (logs - reference)).sum(), exact)[0]
    torch.testing.assert_close(found[k2], expected)


def test_the_adaptive_price_moves_as_in_the_paper_and_no_faster():
    kl = AdaptiveKL(coefficient=1.0, target=0.1, gain=0.1)
    kl.adapt(0.11)  # e = 0.1
    assert kl.coefficient == pytest.approx(1.01)
    kl.adapt(5.0)  # e = 49, clipped to 0.2
    assert kl.coefficient == pytest.approx(1.01 * 1.02)
    kl.adapt(-3.0)  # k1 may be negative
    assert kl.coefficient == pytest.approx(1.01 * 1.02 * 0.98)
    kl.adapt(0.1)
    assert kl.coefficient == pytest.approx(1.01 * 1.02 * 0.98)


def test_prices_that_make_no_sense_are_refused():
    with pytest.raises(ConfigError, match=r"coefficient of a KL is -0\.1"):
        KL(-0.1)
    with pytest.raises(ConfigError, match="coefficient 0 and target"):
        AdaptiveKL(0)
    with pytest.raises(ConfigError, match="target 0"):
        AdaptiveKL(target=0)
