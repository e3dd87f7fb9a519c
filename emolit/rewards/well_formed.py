"""Reward for the layout that the question asks for."""

from emolit.prompts.base import fits
from emolit.rewards.base import Reward
from emolit.types import Answer, Clip


class WellFormed(Reward):
    """One if the whole response has the layout, else zero: every tag once, in order, none empty.

    Args:
        layout: The form of a response with ``…`` for free text; tags may be nested.
        weight: Factor in the total.
        name: Key in logs and predictions.
    """

    def __init__(
        self, layout: str = "<answer>…</answer>", weight: float = 1.0, name: str | None = None
    ) -> None:
        super().__init__(weight, name)
        self.layout = layout

    def score(self, clip: Clip, response: str, answer: Answer | None) -> float:
        """Return 1.0 or 0.0.

        Example:
            >>> WellFormed("<answer>…</answer>").score(None, "<answer></answer>", None)
            0.0
        """
        return float(fits(response, self.layout))
