"""One vLLM server: asked for responses, told of weights, waited for while it is away.

The routes are those of vLLM 0.32: ``/v1/chat/completions``; for adapters ``/v1/models`` and
``/v1/load_lora_adapter``; for whole models and for sleep the routes of its development mode.
Whether it has the weights that are meant is something that the server says itself, so that one that
was started again is found out.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emolit.compat.openai import limit_reply
from emolit.engine.sampling.server_url import check_url
from emolit.engine.weights.publishing import PublishedWeights
from emolit.errors import RolloutError

if TYPE_CHECKING:
    from openai import AsyncOpenAI

LOG = logging.getLogger(__name__)
KEY = "VLLM_API_KEY"
"""Environment variable with the servers' key, as vLLM itself reads it."""
TRIES = 4
"""How often one response is asked for while the server breaks off and comes back."""
PAUSE = 1.0
"""Seconds between two looks at a server that is away."""
GLANCE = 30.0
"""Seconds that a server has to say which weights it holds."""
PASSING = (408, 409, 429, 502, 503, 504)
"""Refusals that may pass, whatever was asked."""
PASSING_CHAT = (404, 500)
"""The same of a chat: its adapter is not loaded (any more), or the engine behind it dies."""
CHAT = "/v1/chat/completions"
SLEEPS = "start it with --enable-sleep-mode and VLLM_SERVER_DEV_MODE=1"
RELOADED = (
    "/reset_prefix_cache?reset_running_requests=true", "/reset_mm_cache", "/reset_encoder_cache",
)  # fmt: skip
"""What remembers the weights before: without the first, rows are sampled by stale keys."""


class ServerAwayError(RolloutError):
    """A server does not answer, or cannot now; it may come back."""


@dataclass(frozen=True)
class ServerRow:
    """One response as a server tells it.

    Attributes:
        prompt: Token ids that the server has read.
        tokens: Token ids of the response, that of its end included.
        logprobs: Of these, under what they were drawn from.
        finished: Whether it ended by itself.
    """

    prompt: list[int]
    tokens: list[int]
    logprobs: list[float]
    finished: bool


class VLLMClient:
    """Talks to one server.

    Args:
        url: Of the server, such as ``http://127.0.0.1:8000``.
        wait: Seconds that it may be away.
        request_timeout: Seconds for one response, or to load weights.
    """

    def __init__(self, url: str, wait: float, request_timeout: float) -> None:
        self.url = check_url(url).rstrip("/").removesuffix("/v1")
        self.wait = wait
        self.request_timeout = request_timeout
        self._client: AsyncOpenAI | None = None
        self._restoring = asyncio.Lock()
        self._base = ""

    @asynccontextmanager
    async def open_connections(self) -> AsyncIterator[None]:
        """Keep connections open while responses are asked for."""
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Timeout

        async with AsyncOpenAI(
            api_key=os.environ.get(KEY) or "none",
            base_url=f"{self.url}/v1",
            timeout=Timeout(self.request_timeout, connect=10.0),
            max_retries=0,  # who comes back may have other weights: `ensure` looks first
            http_client=DefaultAsyncHttpxClient(event_hooks={"response": [limit_reply]}),
        ) as self._client:
            self._restoring = asyncio.Lock()
            yield
        self._client = None

    async def ensure(self, weights: PublishedWeights | None) -> None:
        """Wait until the server answers, and let it load the weights unless it has them.

        Args:
            weights: None only waits.

        Raises:
            RolloutError: It stays away, or refuses.
        """
        async with self._restoring:
            await self._patiently(lambda: self._restore(weights))

    async def _patiently(self, attempt: Callable[[], Awaitable[None]]) -> None:
        """Try until the server is back, within the time that it may be away."""
        clock = asyncio.get_running_loop().time
        begun = clock()
        told = False
        while True:
            try:
                return await attempt()
            except ServerAwayError as error:
                if clock() - begun >= self.wait:
                    raise RolloutError(
                        f"The server {self.url} was away for {self.wait:g} s ({error}). Start it "
                        "again, then start the run again, by `--ckpt_path last` if it has kept a "
                        "checkpoint; `wait` in `rollouts` says how long a run waits."
                    ) from error
                if not told:
                    LOG.warning("%s is away (%s): waiting up to %g s", self.url, error, self.wait)
                told = True
            await asyncio.sleep(PAUSE)

    async def _restore(self, weights: PublishedWeights | None) -> None:
        if weights is None:
            await self._models()
        elif not await self.holds(weights):
            await self._load(weights)

    async def holds(self, weights: PublishedWeights) -> bool:
        """Tell whether the server says that it has these weights."""
        models = await self._models()
        if weights.adapter:
            return weights.name in models
        said = await self._get(
            "/weight_info", "start vLLM 0.32 or later with VLLM_SERVER_DEV_MODE=1"
        )
        return bool(_field(said, "weight_version") == weights.name)

    async def _models(self) -> list[str]:
        """Return the names that the server answers to; its own comes first."""
        said = await self._get("/v1/models", "give the address of a vLLM server")
        names = [str(_field(card, "id")) for card in _field(said, "data")]
        self._base = names[0] if names else ""
        return names

    async def _load(self, weights: PublishedWeights) -> None:
        """Let the server load weights from their folder, and forget what it knew of others."""
        LOG.info("%s loads %s", self.url, weights.folder)
        if weights.adapter:
            body = {"lora_name": weights.name, "lora_path": weights.folder, "load_inplace": True}
            advice = "start it with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True"
            await self._post("/v1/load_lora_adapter", body, advice)
            run = weights.name.rpartition("-")[0]
            for name in await self._models():
                if name.startswith(f"{run}-") and name != weights.name:
                    await self._post("/v1/unload_lora_adapter", {"lora_name": name}, advice)
            return
        advice = "start it with VLLM_SERVER_DEV_MODE=1, where it sees this folder"
        reload = {"method": "reload_weights", "kwargs": {"weights_path": weights.folder}}
        await self._post("/collective_rpc", reload, advice)
        for route in RELOADED:
            said = await self._post(route, None, advice)
            if isinstance(said, dict) and said.get("success") is False:
                raise ServerAwayError(f"{route} did not succeed")
        await self._post("/update_weight_version", {"new_version": weights.name}, advice)

    async def wake(self) -> None:
        """Let a server that sleeps take its memory on the GPU again."""

        async def attempt() -> None:
            if _field(await self._get("/is_sleeping", SLEEPS), "is_sleeping"):
                await self._post("/wake_up", None, SLEEPS)

        await self._patiently(attempt)

    async def sleep(self) -> None:
        """Let a server keep its weights on the host, and forget its cache."""

        async def attempt() -> None:
            await self._post("/sleep?level=1", None, SLEEPS)

        await self._patiently(attempt)

    async def row(self, weights: PublishedWeights, body: dict[str, Any]) -> ServerRow:
        """Ask for one response; again where the server breaks off, once it has the weights again.

        Raises:
            RolloutError: The server refuses, says something unreadable, or breaks off each time.
        """
        reason: ServerAwayError | None = None
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(attempt * PAUSE)
                await self.ensure(weights)
            async with self._restoring:  # nobody samples while weights are not what they shall be
                model = weights.name if weights.adapter else self._base
            try:
                said = await self._post(CHAT, {**body, "model": model})
                return read_row(said)
            except ServerAwayError as error:
                reason = error
        raise RolloutError(
            f"The server {self.url} broke off {TRIES} times over one response, at last with: "
            f"{reason}. Look at its log, then start the run again, by `--ckpt_path last` if it "
            "has kept a checkpoint."
        )

    async def _get(self, route: str, advice: str) -> Any:
        return await self._send("get", route, advice, timeout=GLANCE)

    async def _post(self, route: str, body: Any, advice: str = "look at its log") -> Any:
        return await self._send("post", route, advice, body=body)

    async def _send(
        self,
        verb: str,
        route: str,
        advice: str,
        body: Any = None,
        timeout: float | None = None,
    ) -> Any:
        """Return what the server replies, read from JSON."""
        from openai import APIConnectionError, APIStatusError

        assert self._client is not None, "open_connections() comes first"
        options = {} if timeout is None else {"timeout": timeout}
        given = {} if body is None else {"body": body}
        try:
            return await getattr(self._client, verb)(
                f"{self.url}{route}", cast_to=object, options=options, **given
            )
        except APIStatusError as error:
            status = error.status_code
            reason = f"status {status}: {error.response.text[:300]}"
            if status in PASSING or (route == CHAT and status in PASSING_CHAT):
                raise ServerAwayError(reason) from error
            raise RolloutError(
                f"The server {self.url} refuses {route} with {reason}; {advice}."
            ) from error
        except APIConnectionError as error:
            raise ServerAwayError(repr(error.__cause__ or error)) from error
        except (ValueError, RecursionError) as error:
            raise RolloutError(
                f"The server {self.url} replies to {route} with what is no JSON ({error}); is "
                "there another program at this address?"
            ) from error


def _field(said: Any, name: str) -> Any:
    """Return a field of a reply.

    Raises:
        RolloutError: There is none.
    """
    if not isinstance(said, dict) or name not in said:
        raise RolloutError(
            f"A reply has no field {name!r}: {str(said)[:200]!r}; is it vLLM that answers?"
        )
    return said[name]


def read_row(said: Any) -> ServerRow:
    """Read a chat completion.

    Raises:
        ServerAwayError: The server has given it up.
        RolloutError: It lacks token ids or log-probabilities.
    """
    try:
        choice = said["choices"][0]
        if choice["finish_reason"] not in ("stop", "length"):
            raise ServerAwayError(f"a response ended by {choice['finish_reason']!r}")
        row = ServerRow(
            prompt=[int(token) for token in said["prompt_token_ids"]],
            tokens=[int(token) for token in choice["token_ids"]],
            logprobs=[float(token["logprob"]) for token in choice["logprobs"]["content"]],
            finished=choice["finish_reason"] == "stop",
        )
    except (LookupError, TypeError, ValueError) as error:
        raise RolloutError(
            f"A reply is no chat completion with token ids: {str(said)[:200]!r}; is it vLLM 0.32 "
            "or later that answers?"
        ) from error
    if not row.tokens or len(row.tokens) != len(row.logprobs):
        raise RolloutError(
            f"A response has {len(row.tokens)} tokens and {len(row.logprobs)} log-probabilities; "
            "start the server without a reasoning parser and without speculative decoding."
        )
    return row
