import pytest
import torch
from scipy.spatial.distance import cosine, jensenshannon
from scipy.stats import entropy

from emolit.metrics.soft_labels import (
    Cosine,
    JensenShannon,
    KullbackLeibler,
    jensen_shannon,
    kullback_leibler,
    shares,
)
from tests.metrics.distributions import fed, random_case

ROWS, _, VOTES = random_case(60)
ROWS, VOTES = ROWS[ROWS.sum(1) > 0], VOTES[ROWS.sum(1) > 0]


def test_each_is_the_mean_of_scipys():
    gold = (VOTES / VOTES.sum(1, keepdim=True)).double().numpy()
    pairs = list(zip(gold, ROWS.numpy(), strict=True))
    wanted = {
        JensenShannon: [jensenshannon(p, q, base=2) ** 2 for p, q in pairs],
        KullbackLeibler: [  # entropy() scales to 1 after the clip, which is off by 1e-8 or so
            entropy(p.clip(1e-8), q.clip(1e-8)) for p, q in pairs
        ],
        Cosine: [1 - cosine(p, q) for p, q in pairs],
    }
    for kind, values in wanted.items():
        found = fed(kind(), (ROWS, VOTES), 60).compute().item()
        assert found == pytest.approx(sum(values) / len(values), abs=1e-6), kind


def test_the_check_value_and_the_bounds():
    one, other = torch.tensor([[0.5, 0.5, 0.0]]), torch.tensor([[0.5, 0.0, 0.5]])
    assert jensen_shannon(one, other).item() == pytest.approx(0.5, abs=1e-6)
    apart = jensen_shannon(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]))
    assert apart.item() == pytest.approx(1)
    assert torch.isfinite(kullback_leibler(one, other)).all()


def test_votes_may_be_counts_or_shares_but_not_nothing():
    assert shares(torch.tensor([[3, 1]])).tolist() == shares(torch.tensor([[0.75, 0.25]])).tolist()
    with pytest.raises(ValueError, match="leave clips without votes out"):
        shares(torch.tensor([[0, 0]]))
