"""Calls of foreign code: order, concurrency, limits, lateness, and what passes through."""

import asyncio
import threading
import time
from contextlib import asynccontextmanager, nullcontext
from functools import partial

import pytest
import torch

from emolit.errors import ConfigError
from emolit.judges.guard import Guard, attempts, call_in_thread, within


def run(calls, **settings):
    return attempts(calls, Guard(**settings), nullcontext())


async def later(value, seconds=0.0):
    await asyncio.sleep(seconds)
    if isinstance(value, Exception):
        raise value
    return value


def test_values_and_failures_keep_their_place():
    error = ValueError("b")
    calls = [lambda: 1.0, partial(later, error), partial(later, 3.0, 0.02), lambda: {}["no"]]
    first, second, third, fourth = run(calls)
    assert (first, second, third) == (1.0, error, 3.0)
    assert isinstance(fourth, KeyError)


class OddError(Exception):
    """Of no family that a reward's code raises."""


@pytest.mark.parametrize("error", [ConfigError("mend the setting"), OddError()])
@pytest.mark.parametrize("seconds", [None, 9.0])
def test_what_is_no_failure_passes_through(error, seconds):
    def fail():
        raise error

    for call in (fail, partial(later, error)):
        with pytest.raises(type(error)):
            run([call], timeout=seconds)


@pytest.mark.parametrize(("limit", "most"), [(1, 1), (3, 3), (100, 8)])
def test_no_more_are_awaited_at_once_than_the_limit(limit, most):
    running, seen = set(), []

    async def count(number):
        running.add(number)
        await asyncio.sleep(0.005)
        seen.append(len(running))
        running.discard(number)
        return number

    assert run([partial(count, number) for number in range(8)], limit=limit) == list(range(8))
    assert max(seen) == most


def test_waiting_is_shared():
    began = time.monotonic()
    run([partial(later, 0.0, 0.2)] * 10, limit=10)
    assert time.monotonic() - began < 1.0  # one after the other: 2 s


def test_the_late_fail_and_the_others_do_not():
    release = threading.Event()
    calls = [partial(later, 1.0), partial(later, 2.0, 30.0), partial(release.wait, 30.0)]
    began = time.monotonic()
    first, *late = run(calls, timeout=0.1)
    release.set()
    assert first == 1.0
    assert [str(error) for error in late] == ["it took longer than 0.1 s"] * 2
    assert time.monotonic() - began < 5


def test_a_timeout_of_its_own_stays_what_it_is():
    (error,) = run([partial(later, TimeoutError("theirs"))], timeout=9.0)
    assert str(error) == "theirs"
    with pytest.raises(TimeoutError, match="theirs"):
        within(9.0, partial(exec, "raise TimeoutError('theirs')"))


def test_something_is_open_while_it_waits_and_only_then():
    states = []

    @asynccontextmanager
    async def opened():
        states.append("open")
        yield
        states.append("closed")

    async def score():
        return list(states)

    assert attempts([lambda: 1], Guard(), opened()) == [1]
    assert states == []
    assert attempts([score], Guard(), opened()) == [["open"]]
    assert states == ["open", "closed"]


def test_it_works_where_a_loop_runs_already():
    async def notebook():
        return run([partial(later, 5.0)])

    assert asyncio.run(notebook()) == [5.0]


def test_a_thread_keeps_the_switch_of_gradients():
    with torch.no_grad():
        assert not call_in_thread(torch.is_grad_enabled)
    assert call_in_thread(torch.is_grad_enabled)


@pytest.mark.parametrize("settings", [{"timeout": 0.0}, {"timeout": -1.0}, {"limit": 0}])
def test_limits_that_let_nothing_through_are_refused(settings):
    with pytest.raises(ConfigError, match="limit of at least 1"):
        Guard(**settings)
