"""Writes an open-vocabulary corpus as a table for `Manifest`, with longer gold lists in training.

    python tools/nearest_words.py --data CORPUS.yaml --data.root PARENT --words 2 --out lists.csv

Behind the gold words of a training clip stand the names of the training split that are nearest to
them on emolit's wheels, so that imitation learns to answer with lists. Validation and test keep
their gold. Paths in the table are absolute: give `Manifest` the absolute path of the table, and a
``root`` above table and audio, such as ``/``.
"""

import csv
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

from emolit.affect.wheel_score import WheelScore
from emolit.commands.corpus import corpus_parser, read_corpus
from emolit.corpora import Corpus
from emolit.errors import CorpusError, EmolitError
from emolit.types import Split

COLUMNS = ("id", "path", "openset", "speaker", "split")


def main(arguments: list[str]) -> int:
    """Write the table, and print the list of each gold."""
    parser = corpus_parser("nearest_words.py", (__doc__ or "").splitlines()[0])
    parser.add_argument("--words", type=int, default=2, help="how many names join, at most")
    parser.add_argument("--least", type=float, default=0.6, help="least wheel F1 of a name, 0 to 1")
    parser.add_argument("--out", type=Path, required=True, help="CSV to write")
    corpus, given = read_corpus(parser, arguments)
    try:
        corpus.setup()
        rows = lengthened(corpus, given.words, given.least)
    except EmolitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    given.out.parent.mkdir(parents=True, exist_ok=True)
    with given.out.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        table.writerows(rows)
    return 0


def lengthened(corpus: Corpus, count: int, least: float) -> list[list[str]]:
    """Return the rows of the table, and print the list of each name of the training split.

    Raises:
        CorpusError: A clip has no gold words.
    """
    clips = [(split, clip) for split in get_args(Split) for clip in corpus.clips(split)]
    bare = [clip.id for _, clip in clips if not clip.words]
    if bare:
        raise CorpusError(
            f"{len(bare)} of {len(clips)} clips have no gold words, the first {bare[0]!r}; "
            "take a corpus of open vocabulary."
        )
    score = WheelScore(unknown="wrong")
    golds = sorted({clip.words for split, clip in clips if split == "train"})
    names = sorted({word for words in golds for word in words})
    lists = {words: [*words, *nearest(words, names, score, count, least)] for words in golds}
    for words in lists.values():
        print(", ".join(words))
    return [
        [
            clip.id,
            str((corpus.location / clip.path).absolute()),
            str(lists[clip.words] if split == "train" else list(clip.words)),
            clip.speaker or "",
            split,
        ]
        for split, clip in clips
    ]


def nearest(
    gold: tuple[str, ...], names: Iterable[str], score: WheelScore, count: int, least: float
) -> list[str]:
    """Return the names that score best against gold words, best first; ties go by the alphabet."""
    scored = [(score((name,), gold) or 0.0, name) for name in names if name not in gold]
    ranked = sorted(scored, key=lambda pair: (-pair[0], pair[1]))
    return [name for value, name in ranked[:count] if value >= least]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
