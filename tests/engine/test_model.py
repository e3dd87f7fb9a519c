"""A model without its head."""

from types import SimpleNamespace

import torch
from torch import nn

from emolit.engine.model import LanguageModel


class Capped(nn.Module):
    """Squeezes its logits behind the head, as the Gemma family does."""

    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(3, 3), nn.Linear(3, 7)
        text = SimpleNamespace(final_logit_softcapping=2.0)
        self.config = SimpleNamespace(get_text_config=lambda: text)

    def forward(self, x):
        logits = self.head(self.body(x))
        cap = self.config.get_text_config().final_logit_softcapping
        return SimpleNamespace(logits=logits if cap is None else (logits / cap).tanh() * cap)


def test_squeezed_logits_are_squeezed_behind_the_head_and_nowhere_else():
    model = Capped()
    none = torch.zeros(0, dtype=torch.long)
    seen = LanguageModel(model, model.head, none, none)
    x = 10 * torch.randn(2, 3)
    hidden = seen.forward(x=x).logits
    assert torch.equal(hidden, model.body(x))
    torch.testing.assert_close(seen.logits(hidden), model(x).logits)
    assert model(x).logits.abs().max() <= 2.0
