"""Asks whether a sentence encoder puts captions of like emotions near each other, layer by layer.

    python tools/encoder_check.py --checkpoint MiniMind2-Small --layers 1 2 3 4 \
        --data configs/corpora/secap.yaml --data.root PARENT

For encoders that were not trained for sentences, before a reward stands on them. Ours. An anchor
is a caption; one with the same emotions (equal groups on every wheel, `emolit.affect.wheel_score`)
should be more similar to it than one with others (no group in common). Printed is the share of such
pairs in the right order, the mean over anchors with its 95% interval by caption: 0.5 is chance.
`other words` asks only for pairs that share no emotion word, so that repeating a word does not
help. Beside the plain cosine stand R_emotion of `EmotionSpace` with its own anchors, and the
overlap of characters (ROUGE-L) as a yardstick that knows no meaning. Choose a layer on `train`;
`held out` are validation and test.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jsonargparse import ArgumentParser
from numpy.typing import NDArray

from emolit.affect.wheel_score import WheelScore
from emolit.commands.shelves import discover
from emolit.corpora import Corpus
from emolit.errors import EmolitError
from emolit.judges.encoder import SentenceEncoder
from emolit.metrics.rouge_l import rouge_l
from emolit.reporting.tables import ScoreTable
from emolit.rewards.emotion_space import EmotionSpace
from emolit.statistics.intervals import bootstrap
from emolit.text.tokenizer import tokenizer

HEADER = ("similarity", "captions", "anchors", "in order", "anchors, other words", "other words")
Array = NDArray[np.float64]


class Pairs(NamedTuple):
    """Which captions are alike.

    Attributes:
        same: Same emotions, another caption. ``[N, N]`` bool
        other: No emotion in common. ``[N, N]`` bool
        apart: No emotion word in common. ``[N, N]`` bool
    """

    same: NDArray[np.bool_]
    other: NDArray[np.bool_]
    apart: NDArray[np.bool_]


def main(arguments: list[str] | None = None) -> int:
    """Print the table of each part and return the exit status."""
    discover()
    parser = ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_subclass_arguments(Corpus, "data", required=True)
    parser.add_argument("--checkpoint", type=str, required=True, help="folder or hub id")
    parser.add_argument("--layers", type=int, nargs="*", default=[], help="kept; all are tried too")
    options = parser.parse_args(arguments)
    try:
        corpus = parser.instantiate(options).data
        corpus.setup()
        for title, splits in (("train", ["train"]), ("held out", ["val", "test"])):
            clips = [clip for split in splits for clip in corpus.clips(split)]
            texts = sorted({text for clip in clips for text in clip.captions})
            rows = table(texts, options.checkpoint, [*options.layers, None])
            print(ScoreTable(f"{', '.join(corpus.names)}, {title}", HEADER, tuple(rows)).markdown())
    except EmolitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def table(
    texts: Sequence[str], checkpoint: str, layers: Iterable[int | None]
) -> list[tuple[str, ...]]:
    """Return a line for each similarity of captions."""
    pairs = pairs_of(texts)
    rows = [line("ROUGE-L of characters", overlaps(texts), pairs)]
    for layer in layers:
        space = EmotionSpace(SentenceEncoder(checkpoint, layers=layer))
        vectors = space.encoder.encode(texts)
        places = space.place(vectors)
        name = "all layers" if layer is None else f"{layer} layers"
        rows.append(line(f"{name}, cosine", (vectors @ vectors.T).double().numpy(), pairs))
        rows.append(line(f"{name}, R_emotion", (places @ places.T).double().numpy(), pairs))
    return rows


def pairs_of(texts: Sequence[str]) -> Pairs:
    """Compare the emotions of captions; one that names none is nobody's pair."""
    score = WheelScore()
    words = [frozenset(score.words(text)) for text in texts]
    marks = [[score(mine, yours) for yours in words] for mine in words]
    found = np.array(marks, dtype=float)  # None becomes NaN, which equals nothing
    found = np.where(np.isnan(found.T), np.nan, found)
    apart = np.array([[not mine & yours for yours in words] for mine in words])
    return Pairs((found == 1) & ~np.eye(len(texts), dtype=bool), found == 0, apart)


def overlaps(texts: Sequence[str]) -> Array:
    """Return ROUGE-L between captions, by characters. ``[N, N]``."""
    split = tokenizer("zh-char")
    tokens = [split(text) for text in texts]
    return np.array([[rouge_l(mine, [yours]) for yours in tokens] for mine in tokens])


def in_order(similar: Array, same: NDArray[np.bool_], other: NDArray[np.bool_]) -> Array:
    """Return the share of pairs in the right order for each anchor that has both; ties count half.

    Args:
        similar: ``[N, N]``
        same: Which should be near each anchor. ``[N, N]``
        other: Which should be far. ``[N, N]``

    Returns:
        ``[anchors]``

    Example:
        >>> similar = np.array([[1.0, 0.8, 0.3, 0.8]])
        >>> same, other = np.array([[0, 1, 0, 0]], bool), np.array([[0, 0, 1, 1]], bool)
        >>> in_order(similar, same, other)
        array([0.75])
    """
    anchors = np.flatnonzero(same.any(1) & other.any(1))
    gaps = [
        similar[each][same[each]][:, None] - similar[each][other[each]][None] for each in anchors
    ]
    return np.array([((gap > 0) + 0.5 * (gap == 0)).mean() for gap in gaps])


def line(name: str, similar: Array, pairs: Pairs) -> tuple[str, ...]:
    """Return a row of the table."""
    cells = [name, str(len(similar))]
    for same in (pairs.same, pairs.same & pairs.apart):
        shares = in_order(similar, same, pairs.other)
        cells += [str(len(shares)), with_interval(shares)]
    return tuple(cells)


def with_interval(shares: Array) -> str:
    """Return the mean with its interval over anchors; a dash where there are none."""
    if not len(shares):
        return "-"
    found = bootstrap(shares[:, None], lambda sums: sums[:, 0] / len(shares), "clips")
    ends = "" if found.low is None else f" ({found.low:.3f}-{found.high:.3f})"
    return f"{shares.mean():.3f}{ends}"


if __name__ == "__main__":
    sys.exit(main())
