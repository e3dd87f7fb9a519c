"""Sampling by vLLM servers on the GPUs of training, which sleep while these train."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from emolit.engine.sampling.vllm_client import VLLMClient
from emolit.engine.weights.publishing import await_all, on_first_process
from emolit.errors import ConfigError
from emolit.policies import Policy
from emolit.rollouts.vllm_server import VLLMServer
from emolit.types import Sampling


class VLLMColocated(VLLMServer):
    """A `VLLMServer` without GPUs of its own.

    Servers run on the GPUs of training, started with ``--enable-sleep-mode`` (docs/scaling.md).
    Before a rollout every process gives back the memory that it keeps and does not use, and the
    servers wake; behind it they sleep: their weights wait on the host, their cache is gone. It is
    another process beside the trainer's and not a part of it, so that neither needs the other's
    release of torch.

    It takes CUDA. What it tells servers, and when, was tested; no GPU has run it yet.

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

    def check(self, policy: Policy, sampling: Sampling) -> None:
        """Refuse what `VLLMServer` refuses, and a machine without a GPU to share."""
        super().check(policy, sampling)
        if not torch.cuda.is_available():
            raise ConfigError(
                "`VLLMColocated` shares the GPUs of training with vLLM, and this process sees no "
                "GPU of CUDA; take `VLLMServer`, or leave `rollouts` out."
            )

    def start(self) -> None:
        """Wait until each server answers, and let it sleep."""
        super().start()
        self._tell_all(VLLMClient.sleep)

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Wake the servers, for as long as any process asks them."""
        torch.cuda.empty_cache()
        self._tell_all(VLLMClient.wake)
        yield
        self._tell_all(VLLMClient.sleep)

    def _tell_all(self, what: Callable[[VLLMClient], Coroutine[Any, Any, None]]) -> None:
        """Tell all servers something from the first process, once every process has come here."""

        async def tell() -> None:
            async with self._connected():
                await asyncio.gather(*map(what, self.servers))

        await_all()
        on_first_process(lambda: self._run(tell))
