"""Which prompts have options, and that asking equals a test's answers."""

import pytest
import torch

from emolit.policies.nano import Nano
from emolit.prompts.caption import Caption
from emolit.prompts.direct import Direct
from emolit.prompts.open_vocabulary import OpenVocabulary
from emolit.prompts.reasoning import Reasoning
from emolit.prompts.structured import Structured
from emolit.tasks.inference import Inference, is_closed
from emolit.types import Sampling


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [(Direct(), True), (Reasoning(), True), (Structured(), True), (Caption(), False),
     (OpenVocabulary(), False)],
)  # fmt: skip
def test_options_are_closed_where_a_label_alone_is_an_answer(prompt, expected):
    assert is_closed(prompt, ("sad", "shy")) is expected
    assert is_closed(prompt, ()) is False


def test_probabilities_are_those_of_the_options(nano_folder, batch):
    module = Inference(Nano(str(nano_folder)), Direct(), batch.options, Sampling(max_tokens=4))
    module.configure_model()
    with torch.no_grad():
        evaluation = module.predict_step(batch, 0)
    spread = evaluation.probabilities["probability"]
    assert spread.shape == (5, 4)
    assert spread.sum(-1).tolist() == pytest.approx([1.0] * 5)
    # the probability of a reply is the product of those of its tokens, by the network alone
    policy = module.policy
    told = policy.encode_responses(batch, tuple(
        tuple(f"<answer>{o}</answer>" for o in batch.options) for _ in range(5)
    ), Sampling(max_tokens=64))  # fmt: skip
    expected = policy.logprobs(told).detach().double().sum(-1).softmax(-1)
    assert torch.allclose(spread, expected, atol=1e-6)
