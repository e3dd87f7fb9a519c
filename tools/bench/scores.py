"""Times what scores and rewards of open words and captions cost, on one core.

    python -m tools.bench.scores
    python -m tools.bench.scores --tables FOLDER --forms FILE

The second adds the released wheels (docs/wheels.md). Processor time is shown, not wall time.
"""

import argparse
import random
from collections.abc import Callable
from pathlib import Path
from time import process_time

from emolit.affect.lexicon import Lexicon
from emolit.affect.packaged_lexicon import PackagedLexicon
from emolit.affect.released_tables import ReleasedTables
from emolit.affect.wheel_score import WheelScore
from emolit.metrics.bleu import Bleu
from emolit.metrics.cider_d import CiderD
from emolit.metrics.distinct import Distinct
from emolit.metrics.rouge_l import RougeL
from emolit.metrics.wheel_f1 import WheelF1

SAID = (
    "the", "voice", "is", "low", "slow", "soft", "loud", "high", "fast", "and", "it", "sounds",
    "tense", "calm", "proud", "sad",
)  # fmt: skip
FELT = ("angry", "sadness", "worried", "proud", "joyful", "afraid", "gloomy", "calm")


def main(arguments: list[str] | None = None) -> None:
    """Print a line for each cost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=Path, help="folder of the released wheels")
    parser.add_argument("--forms", type=Path, help="format.csv of MER2026")
    parser.add_argument("--pairs", type=int, default=10_000)
    given = parser.parse_args(arguments)
    lexicons: dict[str, Callable[[], Lexicon]] = {"own": PackagedLexicon}
    if given.tables is not None:
        lexicons["released"] = lambda: ReleasedTables(
            str(given.tables), "2026", forms=given.forms and str(given.forms)
        )
    for name, make in lexicons.items():
        words(name, make, given.pairs)
    captions(given.pairs)


def words(name: str, make: Callable[[], Lexicon], pairs: int) -> None:
    """Time a lexicon: loading, lists of words, one response."""
    started = process_time()
    lexicon = make()
    lexicon.row("saddened")
    say(f"{name} lexicon, loading", process_time() - started)
    draws = random.Random(0)
    lists = [draws.sample(FELT, draws.randint(1, 6)) for _ in range(2 * pairs)]
    metric = WheelF1(lexicon)
    started = process_time()
    metric.update(lists[::2], lists[1::2])
    metric.compute()
    say(f"{name} lexicon, {pairs} pairs of lists", process_time() - started)
    score = WheelScore(lexicon)
    score(lists[0], lists[1])
    started = process_time()
    for first, second in zip(lists[::2], lists[1::2], strict=True):
        score(first, second)
    say(f"{name} lexicon, a response as a reward", (process_time() - started) / pairs)


def captions(pairs: int) -> None:
    """Time the scores of captions with one reference each."""
    draws = random.Random(0)
    texts = [" ".join(draws.choices(SAID, k=draws.randint(8, 20))) for _ in range(2 * pairs)]
    started = process_time()
    for metric in (Bleu("en-13a"), RougeL("en-13a"), CiderD("en-13a"), Distinct("en-13a")):
        metric.update(texts[:pairs], [[text] for text in texts[pairs:]])
        metric.compute()
    say(f"{pairs} captions: BLEU, ROUGE-L, CIDEr-D, Distinct", process_time() - started)


def say(what: str, seconds: float) -> None:
    """Print one cost."""
    print(f"{what}: {seconds:.3f} s" if seconds > 1e-3 else f"{what}: {1e6 * seconds:.0f} us")


if __name__ == "__main__":
    main()
