"""Asking alone: no evaluator, no optimizer, no truth."""

from collections.abc import Sequence

from emolit.compat.lightning import keep_batches
from emolit.evaluators.confidence import Confidence, OptionProbability
from emolit.policies import Policy
from emolit.prompts import Prompt
from emolit.seed import run_seed
from emolit.tasks.generative import GenerativeModule
from emolit.types import Sampling


class Inference(GenerativeModule):
    """A policy that answers, with the probability of each option where the options are closed.

    Args:
        policy: The model that answers.
        prompt: Asks, and reads what is answered.
        labels: The options; empty where answers are open.
        sampling: How long answers may be; they are decoded greedily.
    """

    def __init__(
        self, policy: Policy, prompt: Prompt, labels: Sequence[str], sampling: Sampling
    ) -> None:
        super().__init__(policy, prompt, sampling)
        self.closed = is_closed(prompt, labels)

    @property
    def confidences(self) -> Sequence[Confidence]:
        """The probability of each option, if there are options."""
        return (OptionProbability(),) if self.closed else ()

    def setup(self, stage: str) -> None:
        """Keep Lightning from casting batches."""
        keep_batches(self.trainer)

    def configure_model(self) -> None:
        """Load the weights, once."""
        if self.device_mesh is not None:
            self.policy.expect_shards()
        self.policy.build(reference=False, seed=run_seed())
        if self.device_mesh is not None:
            self.policy.shard(self.device_mesh)


def is_closed(prompt: Prompt, labels: Sequence[str]) -> bool:
    """Tell whether a prompt takes one of the labels for an answer, and nothing else.

    Example:
        >>> from emolit.prompts.caption import Caption
        >>> from emolit.prompts.direct import Direct
        >>> is_closed(Direct(), ("angry", "sad")), is_closed(Caption(), ("angry", "sad"))
        (True, False)
    """
    options = tuple(labels)
    if not options:
        return False
    within, without = (
        prompt.parse(prompt.layout.replace("…", word), options)
        for word in (options[0], f"no {options[0]}")
    )
    return within == options[0] and without is None
