"""Calls of foreign code: time limits, many at once, and what a failure does.

What a call raises of `FAILURES` is a failure; another exception is a mistake in the setting or in
the code and always stops the run. Code that meets exceptions of its own library raises
`RewardError` from them.

What awaits is asyncio's own; threads are made here, since Python waits at exit for those of anyio
and of `concurrent.futures`, and a call that is stuck must not keep the run from ending.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from inspect import isawaitable
from threading import Thread
from typing import Any, Literal, TypeVar

import torch

from emolit.errors import ConfigError, RewardError

Result = TypeVar("Result")
FAILURES = (
    ArithmeticError, AssertionError, AttributeError, LookupError, OSError, RewardError,
    RuntimeError, TypeError, ValueError,
)  # fmt: skip
"""What code of a reward raises; a `TimeoutError` is an OSError."""


@dataclass(frozen=True)
class Guard:
    """How a reward is called and what happens if it fails.

    Attributes:
        on_error: ``raise`` stops the run with the context. ``skip`` marks the response as not
            scored, which leaves it out of its group and of the loss; a curve counts them.
        timeout: Seconds for one response, or for the whole rollout where a reward is batched; None
            waits. Too late is a failure. Code that is not asynchronous cannot be ended from
            outside: it is left behind in a thread of its own.
        limit: How many responses an asynchronous reward scores at once.
    """

    on_error: Literal["raise", "skip"] = "raise"
    timeout: float | None = None
    limit: int = 16

    def __post_init__(self) -> None:
        """Refuse limits under which nothing could be scored."""
        if self.limit < 1 or (self.timeout is not None and self.timeout <= 0):
            raise ConfigError(
                f"A guard has timeout {self.timeout} and limit {self.limit}; choose a timeout "
                "above 0, or null to wait, and a limit of at least 1."
            )


def attempts(
    calls: Sequence[Callable[[], Any]], guard: Guard, opened: AbstractAsyncContextManager[Any]
) -> list[Any]:
    """Call each, and await together what is awaitable.

    Args:
        calls: What is called, in order.
        guard: Time limit of each, and how many are awaited at once.
        opened: Stays open as long as there is something to await.

    Returns:
        The value of each, or its failure: an exception out of `FAILURES`.
    """
    ended = [_attempt(partial(within, guard.timeout, call)) for call in calls]
    waiting = [place for place, value in enumerate(ended) if isawaitable(value)]
    if waiting:  # in a thread, since a notebook has a running loop in this one
        together = _await_all([ended[place] for place in waiting], guard, opened)
        for place, value in zip(
            waiting, call_in_thread(lambda: asyncio.run(together)), strict=True
        ):
            ended[place] = value
    return ended


def within(seconds: float | None, call: Callable[[], Result]) -> Result:
    """Return what a call returns.

    Raises:
        TimeoutError: It took longer.
    """
    return call() if seconds is None else call_in_thread(call, seconds)


def call_in_thread(call: Callable[[], Result], seconds: float | None = None) -> Result:
    """Return what a call returns, made in a thread of its own that nobody waits for at exit.

    Raises:
        TimeoutError: It took longer.
    """
    future: Future[Result] = Future()
    grad = torch.is_grad_enabled()  # each thread has its own switch

    def run() -> None:
        try:
            with torch.set_grad_enabled(grad):
                future.set_result(call())
        except BaseException as error:  # all of it goes to whoever waits for the result
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    try:
        return future.result(seconds)
    except TimeoutError as error:
        raise (error if future.done() else _late(seconds)) from None


def _attempt(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except FAILURES as error:
        return error


async def _await_all(
    waiting: Sequence[Awaitable[Any]], guard: Guard, opened: AbstractAsyncContextManager[Any]
) -> list[Any]:
    gate = asyncio.Semaphore(guard.limit)

    async def one(awaitable: Awaitable[Any]) -> Any:
        async with gate:
            try:
                async with asyncio.timeout(guard.timeout) as limit:
                    return await awaitable
            except FAILURES as error:
                return _late(guard.timeout) if limit.expired() else error

    async with opened:
        return await asyncio.gather(*map(one, waiting))


def _late(seconds: float | None) -> TimeoutError:
    return TimeoutError(f"it took longer than {seconds:g} s")
