"""Leave one out, by hand."""

import torch

from emolit.advantages import leave_one_out


def test_leave_one_out_compares_with_the_others():
    rewards = torch.tensor([[3.0, 1.0, 2.0, 0.0]])
    expected = [3 - 1, 1 - 5 / 3, 2 - 4 / 3, 0 - 2]
    torch.testing.assert_close(leave_one_out(rewards), torch.tensor([expected]))
