"""The answer at once: ``<answer>…</answer>``."""

from emolit.prompts.base import Prompt, label_of, option, tagged
from emolit.types import Clip


class Direct(Prompt):
    """Asks for one option in an answer tag and nothing else.

    Args:
        question: What is asked; ``{options}`` is replaced by the options, comma-separated.
    """

    def __init__(
        self,
        question: str = (
            "Listen to the speaker. Which emotion do they express? Choose one of: {options}. "
            "Reply only with <answer>one option</answer>."
        ),
    ) -> None:
        self.question = question

    def render(self, clip: Clip, options: tuple[str, ...]) -> str:
        """Return the question with its options."""
        return self.question.replace("{options}", ", ".join(options))

    def parse(self, response: str, options: tuple[str, ...]) -> str | None:
        """Return the option in the only answer tag.

        Example:
            >>> Direct().parse("<answer>Sad </answer>", ("angry", "sad"))
            'sad'
        """
        return option(tagged(response, "answer"), options)

    def target(self, clip: Clip) -> str:
        """Return the label in its tag."""
        return f"<answer>{label_of(clip)}</answer>"
