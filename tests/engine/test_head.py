"""The head on response positions only."""

import torch
from torch import nn

from emolit.engine.head import token_logprobs, without
from emolit.types import Sampling


def test_without_its_head_a_model_returns_hidden_states_and_has_it_back_afterwards():
    head = nn.Linear(3, 7)
    model = nn.Sequential(nn.Linear(3, 3), head)
    x = torch.randn(2, 3)
    expected = model(x)
    with without(head):
        assert torch.equal(model(x), model[0](x))
    assert torch.equal(model(x), expected)


def test_log_probabilities_equal_a_whole_softmax_on_the_masked_positions():
    torch.manual_seed(0)
    head, hidden = nn.Linear(4, 9), torch.randn(3, 5, 4)
    tokens, mask = torch.randint(2, 9, (3, 5)), torch.rand(3, 5) > 0.4
    result = token_logprobs(
        head, hidden, tokens, mask, Sampling(temperature=0.5), torch.tensor([0, 1])
    )
    logits = head(hidden) / 0.5
    logits[..., :2] = float("-inf")
    whole = logits.log_softmax(-1).gather(-1, tokens.unsqueeze(-1)).squeeze(-1)
    torch.testing.assert_close(result[mask], whole[mask])
    assert (result[~mask] == 0).all()


def test_positions_outside_the_mask_never_reach_the_head():
    seen = []
    head = nn.Linear(4, 9)
    head.register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    mask = torch.tensor([[True, False, True]])
    token_logprobs(
        head, torch.randn(1, 3, 4), torch.ones(1, 3, dtype=torch.long), mask, Sampling(),
        torch.tensor([0]),
    )  # fmt: skip
    assert seen == [2]
