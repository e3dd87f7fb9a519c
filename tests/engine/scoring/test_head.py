"""The head on response positions only."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from emolit.engine.model import LanguageModel
from emolit.engine.scoring import head as module
from emolit.engine.scoring.head import token_logprobs
from emolit.rl.functional import pack


def model_of(head, forbidden=(0,)):
    text = SimpleNamespace()
    network = SimpleNamespace(config=SimpleNamespace(get_text_config=lambda: text))
    return LanguageModel(network, head, torch.tensor(forbidden), torch.tensor([], dtype=torch.long))


def test_log_probabilities_equal_a_whole_softmax_on_the_masked_positions():
    torch.manual_seed(0)
    head, hidden = nn.Linear(4, 9), torch.randn(3, 5, 4)
    tokens, mask = torch.randint(2, 9, (3, 5)), torch.rand(3, 5) > 0.4
    result = token_logprobs(model_of(head, (0, 1)), hidden, tokens, mask, 0.5)
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
        model_of(head), torch.randn(1, 3, 4), torch.ones(1, 3, dtype=torch.long), mask, 1.0
    )
    assert seen == [2]


@pytest.mark.parametrize("support", [False, True])
def test_chunks_change_neither_value_nor_gradient_and_are_never_whole(monkeypatch, support):
    torch.manual_seed(0)
    head, hidden = nn.Linear(4, 9), torch.randn(3, 5, 4, requires_grad=True)
    tokens, mask = torch.randint(1, 9, (3, 5)), torch.rand(3, 5) > 0.2
    kept = torch.rand(3, 5, 9) > 0.5
    kept.scatter_(-1, tokens.unsqueeze(-1), True)
    packed = pack(kept) if support else None
    results, sizes = [], []
    head.register_forward_hook(lambda _, inputs, __: sizes.append(len(inputs[0])))
    for limit in (10**6, 18):
        monkeypatch.setitem(module.CHUNK, "cpu", limit)
        sizes.clear()
        logprobs = token_logprobs(model_of(head), hidden, tokens, mask, 0.7, packed)
        weights = torch.arange(15.0).view(3, 5)
        grads = torch.autograd.grad((logprobs * weights).sum(), [hidden, *head.parameters()])
        results.append((logprobs, *grads))
    assert max(sizes) == 2
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)


def test_the_support_renormalizes_over_what_could_be_drawn():
    head, hidden = nn.Linear(4, 9), torch.randn(1, 1, 4)
    kept = torch.zeros(1, 1, 9, dtype=torch.bool)
    kept[..., [2, 5]] = True
    total = sum(
        token_logprobs(
            model_of(head), hidden, torch.tensor([[t]]), torch.ones(1, 1).bool(), 1.0, pack(kept)
        ).exp()
        for t in (2, 5)
    )
    torch.testing.assert_close(total, torch.ones(1, 1))
