"""An OpenAI-compatible chat endpoint: what it is asked, how often, and which replies are kept."""

import asyncio
import json
import os
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import torch

from emolit.engine.tensor_store import Store, digest
from emolit.errors import ConfigError, RewardError
from emolit.types import Clip

if TYPE_CHECKING:
    from aiohttp import ClientSession

PASSING = (408, 409, 429, 500, 502, 503, 504, 529)
"""States of a server in which asking again may help."""
LONGEST_WAIT = 60.0
"""Seconds between two requests at most."""


@dataclass(frozen=True)
class Endpoint:
    """Who is asked, and how patiently.

    The address up to ``/v1`` and the key are taken from the environment, and the key goes nowhere
    but into the request.

    Attributes:
        model: Name of the model at the endpoint.
        request: Further fields of the request, such as ``max_tokens``; None asks for
            ``temperature: 0``.
        retries: Requests after a first that failed in passing (429, 5xx, no connection, too late).
        backoff: Seconds before the first of them, doubled before each next; the server's own
            ``Retry-After`` holds where it is longer. A minute at most.
        request_timeout: Seconds for one request.
        address_variable: Name of the environment variable with the address.
        key_variable: Name of the environment variable with the key; without it none is sent.
        store: Folder where replies are kept between steps and runs, under a digest of address and
            request; None keeps none. It makes a model that is asked again say the same.
    """

    model: str
    request: Mapping[str, Any] | None = None
    retries: int = 3
    backoff: float = 1.0
    request_timeout: float = 60.0
    address_variable: str = "OPENAI_BASE_URL"
    key_variable: str = "OPENAI_API_KEY"
    store: str | None = None


class Chat:
    """Asks an endpoint for a reward, many questions at once, each by itself.

    Args:
        endpoint: Who is asked.
        name: Of the reward, for messages.
        counts: Gets what `counted` names.
    """

    counted = ("requests", "prompt_tokens", "completion_tokens", "kept", "unread")
    """Requests, tokens (the cost), replies taken from the store, and such as say nothing."""

    def __init__(self, endpoint: Endpoint, name: str, counts: Counter[str]) -> None:
        self.endpoint = endpoint
        self.name = name
        self.counts = counts
        self.store = None if endpoint.store is None else Store(endpoint.store)
        self._session: ClientSession | None = None

    def check(self) -> None:
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
        """Keep connections open while questions are asked."""
        from aiohttp import ClientSession, ClientTimeout

        key = os.environ.get(self.endpoint.key_variable)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        timeout = ClientTimeout(total=self.endpoint.request_timeout)
        async with ClientSession(headers=headers, timeout=timeout, trust_env=True) as session:
            self._session = session
            yield
        self._session = None

    async def ask(self, content: Any, read: Callable[[str], float]) -> float:
        """Return what a reply says.

        Args:
            content: The question: a text, or parts as the endpoint takes them.
            read: Reads the reply, thinking taken off. A reply that it refuses is not kept.

        Raises:
            RewardError: There is no reply, or none that can be read.
        """
        settings = self.endpoint.request
        body = {
            **({"temperature": 0} if settings is None else settings),
            "model": self.endpoint.model,
            "messages": [{"role": "user", "content": content}],
        }
        key = digest(self._address(), body)
        kept = None if self.store is None else self.store.load(key)
        if kept is not None:
            self.counts["kept"] += 1
            return read(bytes(kept["said"].tolist()).decode())
        said = self._said(await self._reply(body))
        try:
            value = read(said)
        except RewardError:
            self.counts["unread"] += 1
            raise
        if self.store is not None:
            self.store.save(key, {"said": torch.tensor([*said.encode()], dtype=torch.uint8)})
        return value

    def _address(self) -> str:
        address = os.environ.get(self.endpoint.address_variable, "")
        if not address:
            raise ConfigError(
                f"The reward {self.name!r} finds no address of a chat endpoint in the environment; "
                f"set {self.endpoint.address_variable}, such as http://localhost:8000/v1."
            )
        return f"{address.rstrip('/')}/chat/completions"

    async def _reply(self, body: Mapping[str, Any]) -> str:
        """Ask until somebody answers."""
        from aiohttp import ClientError

        reason, turns = "", self.endpoint.retries + 1
        for turn in range(turns):
            wait = self.endpoint.backoff * 2**turn
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
            if turn < turns - 1:
                await asyncio.sleep(min(wait, LONGEST_WAIT))
        raise RewardError(f"the endpoint failed {turns} times, at last with {reason}")

    async def _post(self, body: Mapping[str, Any]) -> tuple[int, str, float]:
        """Return status, text, and how many seconds the server wants to be left alone."""
        assert self._session is not None, "opened() comes first"
        async with self._session.post(self._address(), json=body) as reply:
            pause = reply.headers.get("Retry-After", "")
            return reply.status, await reply.text(), float(pause) if pause.isdecimal() else 0.0

    def _said(self, text: str) -> str:
        """Return what the model said after thinking, and count its tokens."""
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
        after = said.rpartition("</think>")[2]
        if "<think>" in after:
            raise RewardError(
                f"the judge's thinking was cut off behind {after[-100:]!r}; raise `max_tokens` in "
                "the endpoint's `request`"
            )
        return after


def known(clip: Clip) -> dict[str, str]:
    """Return what a judge may be told about a clip, by the names of places in a question.

    Example:
        >>> known(Clip("a", "toy", "a.wav", words=("sad", "tired")))["words"]
        'sad, tired'
    """
    return {
        "label": clip.label or "unknown",
        "words": ", ".join(clip.emotions) or "unknown",
        "transcript": clip.transcript or "unknown",
        "captions": " / ".join(clip.captions) or "none",
        "reason": clip.reason or "none",
    }


def filled(question: str, filling: Mapping[str, str]) -> str:
    """Return a question with its places filled in, all at once: what fills one fills no other.

    Example:
        >>> filled("{a}{b} {c}", {"a": "{b}", "b": "!"})
        '{b}! {c}'
    """
    places = "|".join(filling)
    return re.sub(rf"\{{({places})\}}", lambda found: filling[found[1]], question)
