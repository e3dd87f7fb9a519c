"""Reward from a language model behind an OpenAI-compatible chat endpoint."""

import re
from contextlib import AbstractAsyncContextManager

from emolit.errors import ConfigError, RewardError
from emolit.judges.chat_endpoint import Chat, Endpoint, clip_facts, fill_question
from emolit.judges.guard import Guard
from emolit.prompts import Prompt
from emolit.rewards.base import Reward, Weight
from emolit.types import Answer, Clip

QUESTION = (
    "A person spoke and a listener described the emotion in the voice.\n"
    "Emotion: {label}\nWords spoken: {transcript}\nReference descriptions: {captions}\n"
    "The listener's reply: {response}\n"
    "How well does the reply fit the emotion and the references? "
    "Answer with one number from {lowest} (not at all) to {highest} (perfectly), nothing else."
)


class LanguageModelJudge(Reward):
    """A language model's mark for a response, from 0 (``lowest``) to 1 (``highest``).

    Responses are judged concurrently (``guard.limit``), equal ones once. Curves count requests,
    tokens (the cost) and replies taken from the store. The judge does not hear the clip; what it
    knows is in the question. A reply may be a sentence as long as it holds one number (a
    ``highest`` behind it is none: "7/10", "7 out of 10"). One that does not, or whose number is off
    the scale, is a failure, as is a server that stays away: `Guard.on_error` says what follows.

    Args:
        endpoint: Who is asked, and how patiently; ``guard.timeout`` is for all requests of a
            response.
        question: What it is asked; ``{label}``, ``{words}``, ``{transcript}``, ``{captions}``,
            ``{reason}``, ``{response}``, ``{answer}``, ``{lowest}`` and ``{highest}`` are replaced.
        lowest: Mark for a worth of 0.
        highest: Mark for a worth of 1.
        weight: Factor in the total.
        name: Key in logs and predictions.
        guard: Time limit of a response, how many at once, and what a failure does.
    """

    counted = Chat.counted

    def __init__(
        self,
        endpoint: Endpoint,
        question: str = QUESTION,
        lowest: float = 0,
        highest: float = 10,
        weight: Weight = 1.0,
        name: str | None = None,
        guard: Guard = Guard(),
    ) -> None:
        super().__init__(weight, name, guard)
        if lowest >= highest:
            raise ConfigError(f"The judge's scale goes from {lowest} to {highest}; turn it around.")
        self.chat = Chat(endpoint, self.name, self.counts)
        self.question = question
        self.lowest = lowest
        self.highest = highest

    def prepare(self, prompt: Prompt) -> None:
        """Check that there is somebody to ask, before anything trains.

        Raises:
            ConfigError: There is no address, or openai is not installed.
        """
        self.chat.check()

    def open_connections(self) -> AbstractAsyncContextManager[None]:
        """Keep connections open while a rollout is judged."""
        return self.chat.open_connections()

    async def score(self, clip: Clip, response: str, answer: Answer | None) -> float:
        """Return the mark between 0 and 1.

        Raises:
            RewardError: There is no mark.
        """
        return await self.chat.ask(self.question_of(clip, response, answer), self.mark)

    def question_of(self, clip: Clip, response: str, answer: Answer | None) -> str:
        """Return the question about a response, filled in at once: a response fills nothing in."""
        filling = {
            **clip_facts(clip),
            "response": response,
            "answer": answer if isinstance(answer, str) else ", ".join(answer or ()),
            "lowest": f"{self.lowest:g}",
            "highest": f"{self.highest:g}",
        }
        return fill_question(self.question, filling)

    def mark(self, said: str) -> float:
        """Read the mark out of a reply, between 0 and 1.

        Raises:
            RewardError: It holds no single number, or one off the scale.
        """
        scale = rf"(?<=\d)\s*(?:/|out of)\s*{self.highest:g}(?!\.?\d)"
        numbers = re.findall(r"-?\d+(?:\.\d+)?", re.sub(scale, "", said))
        if len(numbers) != 1:
            raise RewardError(f"the judge's reply is not one number: {said[:200]!r}")
        mark = float(numbers[0])
        if not self.lowest <= mark <= self.highest:
            raise RewardError(f"the judge's mark {mark:g} is off {self.lowest:g}-{self.highest:g}")
        return (mark - self.lowest) / (self.highest - self.lowest)
