"""Numbers for attributes, such as ``<answer>valence 3.5, arousal 2</answer>``."""

import re

from emolit.affect.ratings import read_ratings, write_ratings
from emolit.errors import ConfigError
from emolit.prompts.base import Prompt, read_tag
from emolit.prompts.variation import PromptVariation
from emolit.types import Clip

UNREAD = re.compile(r"[\d:=,]")
"""What the name of an attribute cannot have, since a number follows it."""


class Ratings(Prompt):
    """Asks for a number for each attribute, on the scale of the clip's raters.

    Args:
        scales: The attributes that are asked for, in their order, with the two ends of the scale
            for clips that nobody has rated, such as ``{valence: [1, 5], arousal: [1, 5]}``.
        rating_request: What is asked; ``{attributes}`` is replaced by the attributes with the ends
            of their scales.
        instruction: How to reply, behind the question; None takes the prompt's own.
        variation: The transcript and paraphrases.
    """

    layout = "<answer>…</answer>"

    def __init__(
        self,
        scales: dict[str, tuple[float, float]],
        rating_request: str = "Listen to the speaker. How do they feel? Rate {attributes}.",
        instruction: str | None = None,
        variation: PromptVariation = PromptVariation(),
    ) -> None:
        for name, (low, high) in scales.items():
            if unread := UNREAD.search(name):
                raise ConfigError(
                    f"The attribute {name!r} of `scales` has {unread[0]!r} in its name, where a "
                    "reply's number would begin; name it without digits, `:`, `=` and commas."
                )
            if not low < high:
                raise ConfigError(
                    f"The scale of {name!r} in `scales` goes from {low:g} to {high:g}; give its "
                    "lower end first."
                )
        if not scales:
            raise ConfigError("`scales` of Ratings is empty; name an attribute, such as valence.")
        self.scales = {name: (float(low), float(high)) for name, (low, high) in scales.items()}
        self.rating_request = rating_request
        shown = ", ".join(f"{name} number" for name in scales)
        own = f"Reply only with <answer>{shown}</answer>."
        self.instruction = own if instruction is None else instruction
        self.variation = variation

    def render(self, clip: Clip, options: tuple[str, ...]) -> str:
        """Return the question with attributes and scales; options have no place in it."""
        told = []
        for name, ends in self.scales.items():
            rated = clip.attributes.get(name)
            low, high = ends if rated is None else (rated.low, rated.high)
            told.append(f"{name} from {low:g} to {high:g}")
        asked = self.rating_request.replace("{attributes}", ", ".join(told))
        return self.variation.question_of(asked, self.instruction, clip, ())

    def parse(self, response: str, options: tuple[str, ...]) -> tuple[str, ...] | None:
        """Return a rating of each attribute in the only answer tag, as words.

        Example:
            >>> prompt = Ratings({"valence": (1, 5)})
            >>> prompt.parse("<answer>Valence: 3.5</answer>", ())
            ('valence 3.5',)
        """
        answer = read_tag(response, "answer")
        return None if answer is None else read_ratings(answer, self.scales)

    def target(self, clip: Clip) -> str | None:
        """Return the ratings of the raters in their tag; None where one is missing."""
        if not self.scales.keys() <= clip.attributes.keys():
            return None
        values = {name: clip.attributes[name].value for name in self.scales}
        return f"<answer>{write_ratings(values)}</answer>"
