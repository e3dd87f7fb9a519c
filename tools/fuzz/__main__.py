"""Gives every reader hostile texts: no crash but emolit's own errors, and no wait.

python -m tools.fuzz                      # 10^6 random texts
python -m tools.fuzz --bytes 1000000      # each piece of `texts`, repeated up to that size
"""

import argparse
import logging
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from random import Random
from types import FrameType

from emolit.errors import EmolitError
from tools.fuzz.readers import READERS, Reader
from tools.fuzz.texts import FRAMES, drawn, repeated

PATIENCE = 5
"""How many times the seconds allowed a reader may compute before it is ended."""


class LateError(BaseException):
    """A reader computes too long; no `Exception`, so that no reader takes it for its own."""


def fault(reader: Reader, text: str, seconds: float) -> str | None:
    """Return what a reader does wrong with a text; None where it answers, or refuses, in time.

    Args:
        reader: Of `READERS`.
        text: Hostile.
        seconds: Of the processor, whatever else runs on the machine.
    """

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise LateError

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, PATIENCE * seconds)
    begun = time.process_time()
    try:
        reader(text)
    except EmolitError:
        pass
    except LateError:
        return f"no answer after {PATIENCE * seconds:g} s"
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever it is, it is what is looked for
        return f"{type(error).__name__}: {str(error)[:100]}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    taken = time.process_time() - begun
    return f"{taken:.1f} s" if taken > seconds else None


def texts(given: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Yield what describes a text, and the text."""
    if given.bytes:
        yield from repeated(given.bytes, FRAMES if given.framed else FRAMES[:1])
        return
    draw = Random(given.seed)
    for _ in range(given.inputs // len(given.only)):
        text = drawn(draw, 40)
        yield repr(text), text


def main(arguments: Sequence[str]) -> int:
    """Try all, print what goes wrong, and return 1 if anything does."""
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz", description=__doc__)
    parser.add_argument(
        "--inputs", type=int, default=1_000_000, help="random texts, of all readers"
    )
    parser.add_argument("--bytes", type=int, default=0, help="repeat each piece up to this size")
    parser.add_argument("--framed", action="store_true", help="between tags, brackets, … as well")
    parser.add_argument("--seconds", type=float, default=2.0, help="that a reader may compute")
    parser.add_argument("--seed", type=int, default=0, help="of the random texts")
    parser.add_argument("--only", nargs="+", default=[*READERS], choices=[*READERS], metavar="NAME")
    given = parser.parse_args(arguments)
    logging.disable(logging.WARNING)
    try:
        return read_all(given)
    finally:
        logging.disable(logging.NOTSET)


def read_all(given: argparse.Namespace) -> int:
    """Let readers read, print what goes wrong, and return 1 if anything does."""
    wrong = count = 0
    slowest: dict[str, tuple[float, str]] = dict.fromkeys(given.only, (0.0, ""))
    begun = time.monotonic()
    try:
        for told, text in texts(given):
            for name in given.only:
                start = time.process_time()
                found = fault(READERS[name], text, given.seconds)
                slowest[name] = max(slowest[name], (time.process_time() - start, told))
                count += 1
                if found is not None:
                    wrong += 1
                    print(f"{name}: {found}, of {told[:200]}", flush=True)
    except KeyboardInterrupt:
        print("Ended early.")
    for name, (seconds, told) in sorted(slowest.items(), key=lambda each: -each[1][0]):
        print(f"{seconds:8.3f} s at most  {name}: {told[:80]}")
    print(f"{count} texts read in {time.monotonic() - begun:.0f} s, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
