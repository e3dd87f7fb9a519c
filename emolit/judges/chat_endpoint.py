"""An OpenAI-compatible chat endpoint: what it is asked, and which replies are kept.

The client of openai sends the requests and repeats those that failed in passing.
"""

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

from emolit.compat.openai import limit_reply
from emolit.engine.tensor_store import TensorStore, digest
from emolit.errors import ConfigError, RewardError
from emolit.types import Clip

if TYPE_CHECKING:
    from openai import AsyncOpenAI

NO_KEY = "none"
"""What the client is told where there is no key, since it takes no empty one; it is not sent."""
SECRET = 12
"""Characters from which on a key is a secret; a shorter one is a placeholder such as EMPTY."""
ACCOUNT = ("OpenAI-Organization", "OpenAI-Project")
"""Headers that the client would fill out of the environment, whoever is asked."""


@dataclass(frozen=True)
class Endpoint:
    """Who is asked, and how patiently.

    The address up to ``/v1`` and the key are taken from the environment, and the key goes nowhere
    but into the request: to no host that the server redirects to, and into no error or store, even
    if the server sends it back. Organization and project of an account are never sent.

    Attributes:
        model: Name of the model at the endpoint.
        request: Further fields of the request, such as ``max_tokens``; None asks for
            ``temperature: 0``.
        retries: Requests after a first that failed in passing (429, 5xx, no connection, too late).
            The client waits half a second before the first of them, twice as long before each
            next, 8 s at most; where the server says ``Retry-After``, as long as that, and more
            than two minutes are no wait but a failure.
        request_timeout: Seconds to connect, and seconds without a word from the server. A limit on
            everything is ``guard.timeout``.
        address_variable: Name of the environment variable with the address.
        key_variable: Name of the environment variable with the key; without it none is sent.
        store: Folder where replies are kept between steps and runs, under a digest of address and
            request; None keeps none. It makes a model that is asked again say the same.
    """

    model: str
    request: Mapping[str, Any] | None = None
    retries: int = 4
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
        self.store = None if endpoint.store is None else TensorStore(endpoint.store)
        self._client: AsyncOpenAI | None = None

    def check(self) -> None:
        """Check that there is somebody to ask, before anything trains.

        Raises:
            ConfigError: There is no address, or openai is not installed.
        """
        self._address()
        if find_spec("openai") is None:
            raise ConfigError(
                f"The reward {self.name!r} needs openai; run `pip install 'emolit[judge]'`."
            )

    @asynccontextmanager
    async def open_connections(self) -> AsyncIterator[None]:
        """Keep connections open while questions are asked."""
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        async with AsyncOpenAI(
            api_key=os.environ.get(self.endpoint.key_variable) or NO_KEY,
            base_url=self._address(),
            timeout=self.endpoint.request_timeout,
            max_retries=self.endpoint.retries,
            http_client=DefaultAsyncHttpxClient(
                event_hooks={"request": [self._count], "response": [limit_reply]}
            ),
        ) as self._client:
            yield
        self._client = None

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
        key = digest(f"{self._address()}/chat/completions", body)
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
        return address.rstrip("/")

    async def _count(self, request: object) -> None:
        self.counts["requests"] += 1

    async def _reply(self, body: Mapping[str, Any]) -> str:
        """Return the text of a reply; the client asks again where that may help."""
        from openai import APIConnectionError, APIStatusError, omit

        assert self._client is not None, "open_connections() comes first"
        left_out = (*ACCOUNT, "Authorization") if self._client.api_key == NO_KEY else ACCOUNT
        try:
            reply = await self._client.chat.completions.with_raw_response.create(
                model=body["model"],
                messages=body["messages"],
                extra_body=body,
                extra_headers=dict.fromkeys(left_out, omit),
            )
        except APIStatusError as error:
            reason = f"status {error.status_code}: {self._without_key(error.response.text)[:200]}"
        except APIConnectionError as error:
            reason = self._without_key(repr(error.__cause__ or error))
        else:
            return self._without_key(reply.http_response.text)
        raise RewardError(
            f"the endpoint, asked up to {self.endpoint.retries + 1} times, failed at last with "
            f"{reason}; mend the request, or look at the server and raise `retries`"
        )

    def _without_key(self, text: str) -> str:
        key = os.environ.get(self.endpoint.key_variable, "")
        return text.replace(key, "(the key)") if len(key) >= SECRET else text

    def _said(self, text: str) -> str:
        """Return what the model said after thinking, and count its tokens."""
        try:
            reply = json.loads(text)
            said = self._without_key(str(reply["choices"][0]["message"]["content"]))
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise RewardError(
                f"the endpoint's reply is no chat completion: {text[:200]!r}"
            ) from error
        usage = reply.get("usage")
        for kind in ("prompt_tokens", "completion_tokens"):
            count = usage.get(kind) if isinstance(usage, dict) else None
            self.counts[kind] += count if isinstance(count, int) else 0
        after = said.rpartition("</think>")[2]
        if "<think>" in after:
            raise RewardError(
                f"the judge's thinking was cut off behind {after[-100:]!r}; raise `max_tokens` in "
                "the endpoint's `request`"
            )
        return after


def clip_facts(clip: Clip) -> dict[str, str]:
    """Return what a judge may be told about a clip, by the names of places in a question.

    Example:
        >>> clip_facts(Clip("a", "toy", "a.wav", words=("sad", "tired")))["words"]
        'sad, tired'
    """
    return {
        "label": clip.label or "unknown",
        "words": ", ".join(clip.emotions) or "unknown",
        "transcript": clip.transcript or "unknown",
        "captions": " / ".join(clip.captions) or "none",
        "reason": clip.reason or "none",
    }


def fill_question(question: str, filling: Mapping[str, str]) -> str:
    """Return a question with its places filled in, all at once: what fills one fills no other.

    Example:
        >>> fill_question("{a}{b} {c}", {"a": "{b}", "b": "!"})
        '{b}! {c}'
    """
    places = "|".join(filling)
    return re.sub(rf"\{{({places})\}}", lambda found: filling[found[1]], question)
