"""Any function as a reward."""

from collections import abc

from emolit.judges.guard import Guard
from emolit.rewards.base import Reward, Weight
from emolit.types import Answer, Clip

Score = float | None


class Callable(Reward):
    """Scores by a function of clip, response and answer, named by its dotted path.

        class_path: Callable
        init_args: {function: mypackage.score}

    Args:
        function: ``(clip, response, answer) -> number or None``, plain or ``async def``; as
            `Reward.score`.
        weight: Factor in the total.
        name: Key in logs and predictions; by default that of the function.
        guard: Time limit, how many at once, and what a failure does.
    """

    def __init__(
        self,
        function: abc.Callable[[Clip, str, Answer | None], Score | abc.Awaitable[Score]],
        weight: Weight = 1.0,
        name: str | None = None,
        guard: Guard = Guard(),
    ) -> None:
        super().__init__(weight, name or getattr(function, "__name__", None), guard)
        self.function = function

    def score(
        self, clip: Clip, response: str, answer: Answer | None
    ) -> Score | abc.Awaitable[Score]:
        """Return what the function returns."""
        return self.function(clip, response, answer)


def readable(_clip: Clip, _response: str, answer: Answer | None) -> float:
    """Return 1.0 if the prompt could read an answer, else 0.0; an example of such a function."""
    return float(answer is not None)
