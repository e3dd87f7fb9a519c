"""Reward for winning comparisons inside a group, judged by a model behind a chat endpoint."""

import re
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from itertools import combinations
from math import isinf
from typing import Any

import torch
from torch import Tensor

from emolit.audio.wav import encode_wav
from emolit.engine.tensor_store import digest
from emolit.errors import ConfigError, RewardError
from emolit.judges.chat_endpoint import Chat, Endpoint, clip_facts, fill_question
from emolit.judges.guard import Guard, attempts
from emolit.prompts import Prompt
from emolit.rewards.base import FAILED, Reward, Weight
from emolit.types import Answer, Batch, Clip, Rollout

COMPARISON = (
    "A listener heard a person speak and was asked: {asked}\n"
    "Words spoken: {transcript}\n"
    "Reply 1: {first}\nReply 2: {second}\n"
    "Which reply describes the emotional state of the person better? "
    "Answer with 1, 2 or tie, nothing else."
)
VERDICTS = {"1": 1.0, "first": 1.0, "2": 0.0, "second": 0.0, "tie": 0.5}
"""What a reply may say, and what it is worth to the response that stands first."""
NAMED = re.compile(
    r"\d+(?:[.,/]\d+)*|\btie\b|\b(?:first|second)(?= (?:reply|response|description|answer|one)\b)"
)
TURNED = re.compile(
    r"(?:n't|\b(?:not|no|nor|neither|never|cannot|without|except|than|over|unlike|worse|worst|less|least"
    r"|wrong|if|other))\b|[不没非]"
)
"""What may turn the choice beside it around."""
CLAUSE_END = re.compile(r"(?<![.,;:!?])[.,;:!?]++(?=\s|$)|[，。；：！？\n]")
Pair = tuple[int, str, str]
"""A clip's place in the batch and two responses that differ, in the order of a first question."""


class Preference(Reward):
    """The share of the other responses of its group that a judge finds worse: wins / (G - 1).

    A tie is half a win; equal responses tie without a question. The "perception" reward of
    AffectGPT-RL is told in words only, a multimodal judge that prefers one of two outputs; this
    form is ours. Each pair is compared once a clip, all pairs concurrently (``guard.limit``).

    A judge may prefer a place to a response: each pair is asked in both orders, and answers that
    disagree are a tie; a curve counts them. With one order a hash of clip and responses chooses
    who stands first.

    A reply may be a sentence as long as it names one of ``1``, ``2`` and ``tie`` and no other
    (`verdict`). One that does not, like a server that stays away, leaves both responses of the pair
    not scored, and `Guard.on_error` says what follows: a share of fewer comparisons would not
    compare. In validation and test, with one greedy response a clip, the reward does not apply.

    Args:
        endpoint: Who is asked, and how patiently; ``guard.timeout`` is for all requests of a pair.
        comparison: What it is asked; ``{first}`` and ``{second}``, the responses, ``{asked}``, the
            policy's own question, and ``{transcript}`` are replaced, and so is what gives the gold
            away: ``{label}``, ``{words}``, ``{captions}``, ``{reason}``.
        both_orders: Ask about each pair twice.
        hears: Send the audio along, for a judge that hears (``input_audio``, WAV in 16 bits);
            else, and for a clip that is text alone, it knows what the question says. Video is
            never sent.
        weight: Factor in the total.
        name: Key in logs and predictions.
        guard: Time limit of a pair, how many at once, and what a failure does.

    Raises:
        ConfigError: The comparison does not show both responses.
    """

    counted = (*Chat.counted, "pairs", "ties", "contradictions")

    compares = True

    def __init__(
        self,
        endpoint: Endpoint,
        comparison: str = COMPARISON,
        both_orders: bool = True,
        hears: bool = False,
        weight: Weight = 1.0,
        name: str | None = None,
        guard: Guard = Guard(),
    ) -> None:
        super().__init__(weight, name, guard)
        lacking = [place for place in ("{first}", "{second}") if place not in comparison]
        if lacking:
            raise ConfigError(
                f"The comparison of the reward {self.name!r} lacks {' and '.join(lacking)}; put "
                "both responses into it."
            )
        self.chat = Chat(endpoint, self.name, self.counts)
        self.comparison = comparison
        self.both_orders = both_orders
        self.hears = hears

    def prepare(self, prompt: Prompt) -> None:
        """Check that there is somebody to ask, before anything trains.

        Raises:
            ConfigError: There is no address, or openai is not installed.
        """
        self.chat.check()

    def open_connections(self) -> AbstractAsyncContextManager[None]:
        """Keep connections open while a rollout is judged."""
        return self.chat.open_connections()

    def score(self, clip: Clip, response: str, answer: Answer | None) -> float:
        """Refuse: a response by itself wins nothing.

        Raises:
            RewardError: Always.
        """
        raise RewardError(f"The reward {self.name!r} compares responses; call it with a rollout.")

    def score_or_skip(self, rollout: Rollout) -> Tensor:
        """Return ``[B, G]``, infinite where a comparison failed and that is skipped.

        Raises:
            ConfigError: A group of one was sampled to learn from.
            RewardError: A comparison failed.
        """
        batch, groups = rollout.batch, rollout.responses
        if rollout.group_size == 1:
            if rollout.sampling.temperature:
                raise ConfigError(
                    f"The reward {self.name!r} compares the responses to a clip, and `group_size` "
                    "is 1; raise it to at least 2, or take the reward out."
                )
            return torch.full((len(batch), 1), float("nan"))
        pairs = [pair for row, group in enumerate(groups) for pair in pairs_of(batch, row, group)]
        self.counts["pairs"] = len(pairs)
        ended = attempts(
            [partial(self.compare, batch, *pair) for pair in pairs],
            self.guard,
            self.open_connections(),
        )
        worth = {
            (row, first, second): self._value(outcome, batch.clips[row], f"{first} / {second}")
            for (row, first, second), outcome in zip(pairs, ended, strict=True)
        }
        self.counts["ties"] = sum(value == 0.5 for value in worth.values())
        return torch.tensor([mean_worths(row, group, worth) for row, group in enumerate(groups)])

    async def compare(self, batch: Batch, row: int, first: str, second: str) -> float:
        """Return what the comparison is worth to the first response: 1, 1/2 or 0.

        Raises:
            RewardError: The judge gives no verdict.
        """
        worth = await self.chat.ask(self.question_of(batch, row, first, second), verdict)
        if not self.both_orders:
            return worth
        turned = 1 - await self.chat.ask(self.question_of(batch, row, second, first), verdict)
        self.counts["contradictions"] += worth != turned
        return worth if worth == turned else 0.5

    def question_of(self, batch: Batch, row: int, first: str, second: str) -> Any:
        """Return the question about two responses: a text, with the audio if the judge hears."""
        told = {"asked": batch.questions[row], "first": first, "second": second}
        text = fill_question(self.comparison, {**clip_facts(batch.clips[row]), **told})
        if not self.hears or not len(batch.waveforms[row]):
            return text
        sound = {"data": encode_wav(batch.waveforms[row], batch.sampling_rate), "format": "wav"}
        return [{"type": "text", "text": text}, {"type": "input_audio", "input_audio": sound}]


def pairs_of(batch: Batch, row: int, group: tuple[str, ...]) -> list[Pair]:
    """Return every two responses of a clip that differ, ordered by a hash: by nothing they say."""
    clip = batch.clips[row]
    ordered = sorted({*group}, key=lambda text: digest(clip.corpus, clip.id, text))
    return [(row, first, second) for first, second in combinations(ordered, 2)]


def mean_worths(row: int, group: tuple[str, ...], worth: Mapping[Pair, float]) -> list[float]:
    """Return the mean worth of each response against the others; infinite where one failed.

    Example:
        >>> mean_worths(0, ("a", "b", "a"), {(0, "b", "a"): 1.0})
        [0.25, 1.0, 0.25]
    """

    def against(mine: str, other: str) -> float:
        if mine == other:
            return 0.5
        if (row, mine, other) in worth:
            return worth[row, mine, other]
        turned = worth[row, other, mine]
        return FAILED if isinf(turned) else 1 - turned

    return [
        sum(against(mine, other) for place, other in enumerate(group) if place != own)
        / (len(group) - 1)
        for own, mine in enumerate(group)
    ]


def verdict(said: str) -> float:
    """Read what a reply is worth to the response that stands first. Never a guess.

    The whole reply names one choice: it counts, in whatever words. It names none, several, or
    another number, or there is a word in the same clause that may turn it around ("not 1", "better
    than 1"): it does not.

    Raises:
        RewardError: It is no verdict.

    Example:
        >>> verdict("I think the answer is 2."), verdict("The first reply, not so flat.")
        (0.0, 1.0)
    """
    clauses = CLAUSE_END.split(said.lower().replace("\u2019", "'"))
    found = [(names, clause) for clause in clauses if (names := NAMED.findall(clause))]
    worth = {VERDICTS.get(name) for names, _ in found for name in names}
    value = worth.pop() if len(worth) == 1 else None
    if value is None or any(TURNED.search(clause) for _, clause in found):
        raise RewardError(f"the judge's reply is none of 1, 2 and tie: {said[:200]!r}")
    return value
