"""Sampling by vLLM servers, which get the policy's weights whenever these have changed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from importlib.util import find_spec
from typing import Any, TypeVar

import torch
from torch import Tensor

from emolit.audio.wav import encode_wav
from emolit.engine.inputs.encoding import pad_waveforms
from emolit.engine.inputs.responses import decode_responses
from emolit.engine.sampling.chat_requests import chat_messages, row_seed, sampling_fields
from emolit.engine.sampling.generate import SampledTokens
from emolit.engine.sampling.vllm_client import ServerRow, VLLMClient
from emolit.engine.scoring.logprobs import version
from emolit.engine.weights.publishing import (
    PublishedWeights,
    Publisher,
    on_first_process,
    process_rank,
)
from emolit.errors import ConfigError, RolloutError
from emolit.judges.guard import call_in_thread
from emolit.policies import Policy
from emolit.policies.huggingface import HuggingFace
from emolit.rollouts.base import RolloutEngine
from emolit.types import Batch, Rollout, Sampling

Result = TypeVar("Result")


class VLLMServer(RolloutEngine):
    """Plain ``vllm serve``, any number of servers, over HTTP.

    A server is started on the policy's checkpoint (docs/scaling.md). Adapters are hot-loaded; where
    all weights train, a folder with the whole model is reloaded in place. Each response is one
    request with a seed of its own, so that rows depend neither on their order nor on the number of
    processes or servers, as far as the server's arithmetic does not. A server that goes away is
    waited for, and gets the weights again before it samples on.

    Args:
        urls: Addresses of the servers, such as ``http://127.0.0.1:8000``. Clips are spread over
            them.
        folder: Where weights are written. The first process and all servers see it under this
            path; ``/dev/shm`` is the memory of one machine.
        max_gap: By how many nats a token, on average, the servers and training may differ before
            the run stops; None sets no bound. In bfloat16 two engines differ by some hundredths, in
            float32 by 1e-6.
        wait: Seconds that a server may be away before the run stops.
        request_timeout: Seconds for one response, and to load weights.
        limit: How many responses a process asks for at once.
        validates: Let the servers answer the validations of a training, too. A test decodes in the
            process always.
    """

    def __init__(
        self,
        urls: list[str],
        folder: str = "/dev/shm",
        max_gap: float | None = 0.1,
        wait: float = 600.0,
        request_timeout: float = 600.0,
        limit: int = 64,
        validates: bool = False,
    ) -> None:
        if not urls or min(wait, request_timeout, limit) <= 0:
            raise ConfigError(
                f"`VLLMServer` has {len(urls)} urls, wait {wait:g}, request_timeout "
                f"{request_timeout:g} and limit {limit}; name a server at least, and choose times "
                "and limit above 0."
            )
        if max_gap is not None and not max_gap > 0:
            raise ConfigError(
                f"`max_gap` is {max_gap:g}, and any gap would stop the run; choose a number above "
                "0, or null for no bound."
            )
        self.max_gap = max_gap
        self.limit = limit
        self.validates = validates
        self.servers = [VLLMClient(url, wait, request_timeout) for url in urls]
        self.publisher = Publisher(folder)

    def check(self, policy: Policy, sampling: Sampling) -> None:
        """Refuse policies that vLLM cannot serve, and what it does not tell enough of."""
        if find_spec("openai") is None:
            raise ConfigError("`VLLMServer` needs openai; run `pip install 'emolit[rollouts]'`.")
        if not isinstance(policy, HuggingFace):
            raise ConfigError(
                f"`VLLMServer` samples for checkpoints of transformers, and "
                f"{type(policy).__name__} is none; leave `rollouts` out."
            )
        if sampling.truncated:
            raise ConfigError(
                f"`sampling` has top_p {sampling.top_p:g} and top_k {sampling.top_k}; a vLLM "
                "server does not tell which tokens these have left, over which training would have "
                "to renormalize. Set top_p 1 and top_k 0, or leave `rollouts` out."
            )
        lora = policy.lora
        if lora is not None and (lora.dora or lora.train):
            given = "dora" if lora.dora else "train"
            raise ConfigError(
                f"`lora.{given}` is set, and vLLM hot-loads plain adapters alone: it would sample "
                f"without what `{given}` adds. Leave it out, or leave `rollouts` out."
            )

    def start(self) -> None:
        """Wait until each server answers.

        Raises:
            RolloutError: One does not, or weights cannot be written for them.
        """
        on_first_process(self.publisher.check)
        on_first_process(lambda: self._run(lambda: self._tell(None)))

    def draw(
        self,
        policy: Policy,
        batch: Batch,
        group_size: int,
        sampling: Sampling,
        seed: int,
        step: int,
    ) -> Rollout:
        """Ask the servers, once they have the policy's weights.

        Raises:
            ConfigError: The batch has pictures.
            RolloutError: A server stays away, refuses, or has read another prompt.
        """
        assert isinstance(policy, HuggingFace), "`check` comes first"
        asked = requests(policy, batch, sampling)
        keys = [f"{clip.corpus}/{clip.id}" for clip in batch.clips]
        bodies = [
            body | {"seed": row_seed(seed, step, key, row)}
            for body, key in zip(asked, keys, strict=True)
            for row in range(group_size)
        ]
        with self.awake():
            weights = self._publish(policy)
            rows = self._run(lambda: self._ask(weights, bodies, group_size))
        check_prompts(policy, batch, rows)
        drawn = sampled_tokens(rows, policy.device)
        begun = batch.repeat(group_size).begun
        texts = decode_responses(policy.processor.tokenizer, drawn.tokens, drawn.mask, begun)
        return drawn.rollout(batch, sampling, texts)

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Have the servers take weights and requests for a block; these always do."""
        yield

    def _publish(self, policy: HuggingFace) -> PublishedWeights:
        """Let all servers have the weights of now."""
        return self.publisher.publish(
            version(policy.language_model()),
            policy.adapts,
            policy.gather_weights,
            policy.save,
            lambda weights: self._run(lambda: self._tell(weights)),
        )

    async def _tell(self, weights: PublishedWeights | None) -> None:
        async with self._connected():
            await asyncio.gather(*(server.ensure(weights) for server in self.servers))

    async def _ask(
        self, weights: PublishedWeights, bodies: list[dict[str, Any]], group_size: int
    ) -> list[ServerRow]:
        """Ask for all rows; those of a clip go to one server, which reads its prompt once."""
        gate = asyncio.Semaphore(self.limit)
        first = process_rank() * (len(bodies) // group_size)

        async def ask(place: int) -> ServerRow:
            server = self.servers[(first + place // group_size) % len(self.servers)]
            async with gate:
                return await server.row(weights, bodies[place])

        async with self._connected():
            await asyncio.gather(*(server.ensure(weights) for server in self.servers))
            rows = await asyncio.gather(*map(ask, range(len(bodies))))
            for server in self.servers:
                if not await server.holds(weights):
                    raise RolloutError(
                        f"The server {server.url} was given other weights while this run sampled; "
                        "give each run servers of its own, then start again, by `--ckpt_path last` "
                        "if it has kept a checkpoint."
                    )
        return rows

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for server in self.servers:
                await stack.enter_async_context(server.open_connections())
            yield

    def _run(self, call: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Run what awaits, in a thread: a notebook has a running loop in its own."""
        return call_in_thread(lambda: asyncio.run(call()))

    def gap_causes(self) -> str:
        """Return what makes a vLLM server another policy."""
        return (
            "Start vLLM with `--logprobs-mode processed_logprobs`, on the policy's checkpoint and "
            "with the `--dtype` of training, and let no other run load weights into it."
        )


def requests(policy: HuggingFace, batch: Batch, sampling: Sampling) -> list[dict[str, Any]]:
    """Return what a server is asked about each clip, all but the seed.

    Raises:
        ConfigError: The batch has pictures.
    """
    if batch.frames:
        raise ConfigError(
            "`VLLMServer` sends sound and text, no pictures; set `loading.frames` to 0, or leave "
            "`rollouts` out."
        )
    fields = sampling_fields(sampling, policy.forbidden.tolist(), policy.ends.tolist())
    sounds = encode_sounds(policy, batch) if policy.hears else [None] * len(batch)
    begun = batch.begun or ("",) * len(batch)
    return [
        fields | chat_messages(policy.conversation(question), sound, start)
        for question, sound, start in zip(batch.questions, sounds, begun, strict=True)
    ]


def encode_sounds(policy: HuggingFace, batch: Batch) -> list[str]:
    """Return what the policy hears of each clip: at its rate, no longer than its window."""
    rate = policy.processor.feature_extractor.sampling_rate
    heard = None if policy.window is None else int(policy.window * rate)
    waveforms = pad_waveforms(batch, rate, policy.shortest)
    return [encode_wav(torch.from_numpy(each[:heard]), rate, "FLOAT") for each in waveforms]


def check_prompts(policy: HuggingFace, batch: Batch, rows: Sequence[ServerRow]) -> None:
    """Refuse responses to other prompts than those that training will score them behind.

    Args:
        policy: Encodes them for training.
        batch: B prompts.
        rows: G responses each, clip-major.

    Raises:
        RolloutError: A server has read other tokens.
    """
    encoded = policy.encode(batch)
    prompts = encoded.inputs["input_ids"].cpu()
    group = len(rows) // len(batch)
    for place, row in enumerate(rows):
        index = place // group
        ours = prompts[index][encoded.mask[index].cpu().bool()].tolist()
        if ours != row.prompt:
            odd = sum(a == b for a, b in zip(ours, row.prompt, strict=False))
            clip = batch.clips[index]
            raise RolloutError(
                f"The server has read another prompt than training about the clip {clip.id!r} of "
                f"{clip.corpus!r}: {len(row.prompt)} tokens, and {len(ours)} here, {odd} of them "
                "alike. Start it on the policy's checkpoint, without `--chat-template`: both must "
                "use its template and its processor."
            )


def sampled_tokens(rows: Sequence[ServerRow], device: torch.device) -> SampledTokens:
    """Return rows side by side, right-padded."""
    lengths = torch.tensor([len(row.tokens) for row in rows])
    mask = torch.arange(int(lengths.max())) < lengths.unsqueeze(-1)

    def fill(values: Sequence[Sequence[float]], kind: torch.dtype) -> Tensor:
        filled = torch.zeros(mask.shape, dtype=kind)
        filled[mask] = torch.tensor([value for row in values for value in row], dtype=kind)
        return filled.to(device)

    return SampledTokens(
        tokens=fill([row.tokens for row in rows], torch.long),
        mask=mask.to(device),
        behavior=fill([row.logprobs for row in rows], torch.float32),
        entropy=None,
        finished=torch.tensor([row.finished for row in rows], device=device),
        support=None,
    )
