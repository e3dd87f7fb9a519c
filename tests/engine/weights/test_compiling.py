"""torch.compile for the update: the same numbers, and few graphs for all lengths."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from emolit.engine.weights.adapters import Lora
from emolit.engine.weights.compiling import compile_decoder
from emolit.policies.nano import Nano
from emolit.types import Sampling
from tests.conftest import part
from tests.policies.contract import graded

pytestmark = pytest.mark.filterwarnings("ignore")  # inductor's own


class Toy(nn.Module):
    """A network that is its own decoder, and tells whether it is compiled."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([2.0]))

    def get_decoder(self):
        return self

    def forward(self, hidden):
        return hidden * self.weight, torch.compiler.is_compiling()


def test_only_passes_with_gradients_are_compiled_and_gradients_flow():
    toy = Toy()
    compile_decoder(toy)
    with torch.no_grad():
        assert toy(torch.ones(2)) == (pytest.approx([2.0, 2.0]), False)
    for length in (2, 3, 5):
        doubled, compiled = toy(torch.ones(length))
        assert compiled
        doubled.sum().backward()
    assert toy.weight.grad.item() == 10


FORMS = {
    "full": {},
    "lora": {"lora": Lora(rank=2)},
    "checkpointed": {"gradient_checkpointing": True},
}


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_compiled_updates_are_eager_ones(nano_folder, batch, form):
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    policies = []
    for compiled in (False, True):
        policy = Nano(str(nano_folder), compile=compiled, **FORMS[form])
        policy.build(reference=True, seed=0)
        policies.append(policy)
    for rows, tokens in ((5, 6), (3, 4), (4, 7)):
        some = part(batch, slice(rows))
        sampling = Sampling(max_tokens=tokens, stop=())
        eager, fast = (p.sample(some, 3, sampling, seed=0, step=0) for p in policies)
        assert torch.equal(eager.tokens, fast.tokens)
        scores = [p.logprobs(r) for p, r in zip(policies, (eager, fast), strict=True)]
        torch.testing.assert_close(scores[1], scores[0], atol=1e-5, rtol=0)
        expected, found = (graded(p, s) for p, s in zip(policies, scores, strict=True))
        assert found.keys() == expected.keys()
        for name, gradient in expected.items():
            torch.testing.assert_close(found[name], gradient, atol=1e-5, rtol=1e-4, msg=name)
        same = replace(fast, batch=eager.batch)
        references = [p.reference_logprobs(same) for p in policies]
        assert torch.equal(*references)
    graphs = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    assert 0 < graphs <= 3, "one for prompts, one for responses, one for whole rows"
