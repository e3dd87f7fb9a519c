"""The contract of a policy: never in training mode, and whole."""

import pytest
import torch

from emolit.policies import Policy
from tests.tasks.toy import Table


def test_a_policy_stays_in_evaluation_mode_with_all_its_modules():
    policy = Table()
    policy.dropout = torch.nn.Dropout(0.9)
    policy.train()
    assert not any(module.training for module in policy.modules())


def test_a_policy_without_its_methods_cannot_be_made():
    with pytest.raises(TypeError, match="abstract"):
        Policy()
