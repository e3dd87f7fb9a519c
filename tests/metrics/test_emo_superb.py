import pytest
import torch
from sklearn.metrics import f1_score

from emolit.metrics.emo_superb import EmoSuperbF1, above_chance
from tests.metrics.distributions import fed, random_case, stored


def test_it_equals_the_stored_value(shared):
    case = stored(shared, "emo_superb")
    given = torch.tensor(case["pred_dist"]), torch.tensor(case["label_dist"])
    found = fed(EmoSuperbF1(8), given, 60).compute().item()
    assert found == pytest.approx(case["macro_f1"], abs=1e-6)


def test_it_equals_sklearn_where_a_label_never_holds():
    rows, _, votes = random_case()
    rows[:, 0] = 0
    gold = (votes / votes.sum(1, keepdim=True)).double()
    gold[:, 0] = 0
    theirs = f1_score(above_chance(gold), above_chance(rows), average="macro", zero_division=0)
    assert fed(EmoSuperbF1(4), (rows, gold), 41).compute().item() == pytest.approx(theirs)


def test_a_share_of_exactly_chance_does_not_hold():
    assert above_chance(torch.tensor([[0.25, 0.5, 0.25, 0.0]])).tolist() == [
        [False, True, False, False]
    ]
