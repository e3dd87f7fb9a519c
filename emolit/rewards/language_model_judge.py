"""Reward from a language model behind an OpenAI-compatible chat endpoint."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import torch

from emolit.engine.store import Store, digest
from emolit.errors import ConfigError, RewardError
from emolit.guard import Guard
from emolit.prompts import Prompt
from emolit.rewards.base import Reward, Weight
from emolit.types import Answer, Clip

if TYPE_CHECKING:
    from aiohttp import ClientSession

QUESTION = (
    "A person spoke and a listener described the emotion in the voice.\n"
    "Emotion: {label}\nWords spoken: {transcript}\nReference descriptions: {captions}\n"
    "The listener's reply: {response}\n"
    "How well does the reply fit the emotion and the references? "
    "Answer with one number from {lowest} (not at all) to {highest} (perfectly), nothing else."
)
PASSING = (408, 409, 429, 500, 502, 503, 504, 529)
"""States of a server in which asking again may help."""
LONGEST_WAIT = 60.0
"""Seconds between two requests at most."""


class LanguageModelJudge(Reward):
    """A language model's mark for a response, from 0 (``lowest``) to 1 (``highest``).

    The address up to ``/v1`` and the key are taken from the environment, and the key goes nowhere
    but into the request. Responses are judged concurrently (``guard.limit``), equal ones once.
    Curves count requests, tokens (the cost) and marks taken from the store. The judge does not hear
    the clip; what it knows is in the question. A reply that holds no single number, or one off
    the scale, is a failure, as is a server that stays away: `Guard.on_error` says what follows.

    Args:
        model: Name of the model at the endpoint.
        question: What it is asked; ``{label}``, ``{transcript}``, ``{captions}``, ``{response}``,
            ``{answer}``, ``{lowest}`` and ``{highest}`` are replaced.
        lowest: Mark for a worth of 0.
        highest: Mark for a worth of 1.
        request: Further fields of the request, such as ``max_tokens``; None asks for
            ``temperature: 0``.
        retries: Requests after a first that failed in passing (429, 5xx, no connection, too late).
        backoff: Seconds before the first of them, doubled before each next; the server's own
            ``Retry-After`` holds where it is longer. A minute at most.
        request_timeout: Seconds for one request; ``guard.timeout`` is for all of a response's.
        address_variable: Name of the environment variable with the address.
        key_variable: Name of the environment variable with the key; without it none is sent.
        store: Folder where marks are kept between steps and runs, under a digest of address and
            request; None keeps none. It makes a model that is asked again say the same.
        weight: Factor in the total.
        name: Key in logs and predictions.
        guard: Time limit of a response, how many at once, and what a failure does.
    """

    counted = ("requests", "prompt_tokens", "completion_tokens", "kept")

    def __init__(
        self,
        model: str,
        question: str = QUESTION,
        lowest: float = 0,
        highest: float = 10,
        request: Mapping[str, Any] | None = None,
        retries: int = 3,
        backoff: float = 1.0,
        request_timeout: float = 60.0,
        address_variable: str = "OPENAI_BASE_URL",
        key_variable: str = "OPENAI_API_KEY",
        store: str | None = None,
        weight: Weight = 1.0,
        name: str | None = None,
        guard: Guard = Guard(),
    ) -> None:
        super().__init__(weight, name, guard)
        if lowest >= highest:
            raise ConfigError(f"The judge's scale goes from {lowest} to {highest}; turn it around.")
        self.model = model
        self.question = question
        self.lowest = lowest
        self.highest = highest
        self.request = {"temperature": 0} if request is None else dict(request)
        self.retries = retries
        self.backoff = backoff
        self.request_timeout = request_timeout
        self.address_variable = address_variable
        self.key_variable = key_variable
        self.store = None if store is None else Store(store)
        self._session: ClientSession | None = None

    def prepare(self, prompt: Prompt) -> None:
        """Check that there is somebody to ask, before anything trains.

        Raises:
            ConfigError: There is no address, or aiohttp is not installed.
        """
        self._address()
        if find_spec("aiohttp") is None:
            raise ConfigError(
                f"The reward {self.name!r} needs aiohttp; run `pip install 'emolit[judge]'`."
            )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Keep connections open while a rollout is judged."""
        from aiohttp import ClientSession, ClientTimeout

        key = os.environ.get(self.key_variable)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        timeout = ClientTimeout(total=self.request_timeout)
        async with ClientSession(headers=headers, timeout=timeout, trust_env=True) as session:
            self._session = session
            yield
        self._session = None

    async def score(self, clip: Clip, response: str, answer: Answer | None) -> float:
        """Return the mark between 0 and 1.

        Raises:
            RewardError: There is no mark.
        """
        messages = [{"role": "user", "content": self.asked(clip, response, answer)}]
        body = {**self.request, "model": self.model, "messages": messages}
        key = digest(self._address(), body, self.lowest, self.highest)
        kept = None if self.store is None else self.store.load(key)
        if kept is not None:
            self.counts["kept"] += 1
            return float(kept["mark"])
        mark = self._mark(await self._reply(body))
        if self.store is not None:
            self.store.save(key, {"mark": torch.tensor(mark, dtype=torch.float64)})
        return mark

    def asked(self, clip: Clip, response: str, answer: Answer | None) -> str:
        """Return the question about a response, filled in at once: a response fills nothing in."""
        filling = {
            "label": clip.label or "unknown",
            "transcript": clip.transcript or "unknown",
            "captions": " / ".join(clip.captions) or "none",
            "response": response,
            "answer": answer if isinstance(answer, str) else ", ".join(answer or ()),
            "lowest": f"{self.lowest:g}",
            "highest": f"{self.highest:g}",
        }
        places = "|".join(filling)
        return re.sub(rf"\{{({places})\}}", lambda found: filling[found[1]], self.question)

    def _address(self) -> str:
        address = os.environ.get(self.address_variable, "")
        if not address:
            raise ConfigError(
                f"The reward {self.name!r} finds no address of a chat endpoint in the environment; "
                f"set {self.address_variable}, such as http://localhost:8000/v1."
            )
        return f"{address.rstrip('/')}/chat/completions"

    async def _reply(self, body: Mapping[str, Any]) -> str:
        """Ask until somebody answers."""
        from aiohttp import ClientError

        reason = ""
        for turn in range(self.retries + 1):
            wait = self.backoff * 2**turn
            self.counts["requests"] += 1
            try:
                status, text, asked_to_wait = await self._post(body)
                if status == 200:
                    return text
                reason = f"status {status}: {text[:200]}"
                if status not in PASSING:
                    raise RewardError(f"the endpoint answered with {reason}; mend the request")
                wait = max(wait, asked_to_wait)
            except (ClientError, TimeoutError) as error:
                reason = repr(error)
            if turn < self.retries:
                await asyncio.sleep(min(wait, LONGEST_WAIT))
        raise RewardError(f"the endpoint failed {self.retries + 1} times, at last with {reason}")

    async def _post(self, body: Mapping[str, Any]) -> tuple[int, str, float]:
        """Return status, text, and how many seconds the server wants to be left alone."""
        assert self._session is not None, "opened() comes first"
        async with self._session.post(self._address(), json=body) as reply:
            pause = reply.headers.get("Retry-After", "")
            return reply.status, await reply.text(), float(pause) if pause.isdecimal() else 0.0

    def _mark(self, text: str) -> float:
        """Read the mark out of a reply, and count its tokens."""
        try:
            reply = json.loads(text)
            said = str(reply["choices"][0]["message"]["content"])
        except (ValueError, LookupError, TypeError) as error:
            raise RewardError(
                f"the endpoint's reply is no chat completion: {text[:200]!r}"
            ) from error
        usage = reply.get("usage") or {}
        for kind in ("prompt_tokens", "completion_tokens"):
            self.counts[kind] += int(usage.get(kind) or 0)
        numbers = re.findall(r"-?\d+(?:\.\d+)?", said.rpartition("</think>")[2])
        if len(numbers) != 1:
            raise RewardError(f"the judge's reply is not one number: {said[:200]!r}")
        mark = float(numbers[0])
        if not self.lowest <= mark <= self.highest:
            raise RewardError(f"the judge's mark {mark:g} is off {self.lowest:g}-{self.highest:g}")
        return (mark - self.lowest) / (self.highest - self.lowest)
