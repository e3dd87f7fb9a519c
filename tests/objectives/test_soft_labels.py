"""Cross-entropy to rewards as a distribution, by hand and against torch."""

import pytest
import torch

from emolit.objectives.soft_labels import SoftLabels
from tests.objectives.cases import scored

VOTES = torch.tensor([[3.0, 1.0, 0.0], [0.0, 2.0, 2.0]], dtype=torch.float64)
MASK = torch.ones(2, 3, 1, dtype=torch.bool)


@pytest.mark.parametrize("renormalize", [True, False])
def test_it_is_torchs_cross_entropy_with_soft_targets(renormalize):
    logits = torch.randn(2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    wanted = VOTES / VOTES.sum(1, keepdim=True)
    by_torch = torch.nn.functional.cross_entropy(logits, wanted)
    logs = logits if renormalize else logits.log_softmax(-1)
    given = scored(MASK.double(), MASK, VOTES)
    assert SoftLabels(renormalize)(logs.unsqueeze(-1), given).loss.item() == pytest.approx(
        by_torch.item(), abs=1e-12
    )


def test_the_gradient_is_least_where_p_is_what_was_voted():
    logits = (VOTES / 4 + 1e-9).log().requires_grad_()
    given = scored(MASK.double(), MASK, VOTES)
    SoftLabels()(logits.log_softmax(-1).unsqueeze(-1), given).loss.backward()
    assert logits.grad.abs().max() < 1e-8
