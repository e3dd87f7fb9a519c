"""Reward for the layout that the question asks for."""

from emolit.errors import ConfigError
from emolit.prompts import Prompt
from emolit.prompts.base import fits
from emolit.rewards.base import Reward, Weight
from emolit.types import Answer, Clip


class WellFormed(Reward):
    """One if the whole response has the layout, else zero: every tag once, in order, none empty.

    Args:
        layout: The form of a response with ``…`` for free text; tags may be nested. None takes the
            one that the experiment's prompt asks for.
        weight: Factor in the total.
        name: Key in logs and predictions.
    """

    def __init__(
        self, layout: str | None = None, weight: Weight = 1.0, name: str | None = None
    ) -> None:
        super().__init__(weight, name)
        self.layout = layout

    def prepare(self, prompt: Prompt) -> None:
        """Take the prompt's layout, or check that the one given can be what it asks for.

        Raises:
            ConfigError: The replies that the prompt asks for are not well-formed.
        """
        if self.layout is None:
            self.layout = prompt.layout
        elif not fits(prompt.layout.replace("…", "text"), self.layout):
            raise ConfigError(
                f"The reward {self.name!r} wants {self.layout!r}, but the prompt "
                f"{type(prompt).__name__} asks for {prompt.layout!r}: no reply can earn it. "
                "Leave `layout` out, or change the prompt."
            )

    def score(self, clip: Clip, response: str, answer: Answer | None) -> float:
        """Return 1.0 or 0.0.

        Raises:
            ConfigError: There is no layout.

        Example:
            >>> WellFormed("<answer>…</answer>").score(None, "<answer></answer>", None)
            0.0
        """
        if self.layout is None:
            raise ConfigError(f"The reward {self.name!r} has no layout yet; call prepare(prompt).")
        return float(fits(response, self.layout))
