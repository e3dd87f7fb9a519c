"""Writes a corpus as a table for `Manifest` whose training split has listed clips alone.

    python tools/subset.py --data CORPUS.yaml --data.root PARENT --keep IDS.txt --out subset.csv

IDS.txt names a clip a line; lines that begin with # are remarks. Validation and test stay whole.
Paths in the table are absolute, for the audio stays where it is: give `Manifest` the absolute path
of the table, and a ``root`` above table and audio, such as ``/``.
"""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from emolit.commands.corpus import corpus_parser, read_corpus
from emolit.corpora import Corpus
from emolit.errors import CorpusError, EmolitError
from emolit.types import Clip, Split

COLUMNS = ("id", "path", "label", "speaker", "split")


def main(arguments: list[str]) -> int:
    """Write the table, and say how many training clips each label has."""
    parser = corpus_parser("subset.py", (__doc__ or "").splitlines()[0])
    parser.add_argument("--keep", type=Path, required=True, help="ids of training clips")
    parser.add_argument("--out", type=Path, required=True, help="CSV to write")
    corpus, given = read_corpus(parser, arguments)
    try:
        corpus.setup()
        splits = {split: corpus.clips(split) for split in get_args(Split)}
        splits["train"] = keep_listed(splits["train"], read_ids(given.keep))
    except EmolitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    write_table(corpus, splits, given.out)
    for label in corpus.taxonomy.labels:
        print(f"{label}: {sum(clip.label == label for clip in splits['train'])} training clips")
    return 0


def read_ids(path: Path) -> frozenset[str]:
    """Return the ids that a list names."""
    lines = map(str.strip, path.read_text(encoding="utf-8").splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


def keep_listed(clips: Sequence[Clip], ids: frozenset[str]) -> tuple[Clip, ...]:
    """Return the clips that are listed.

    Raises:
        CorpusError: A listed id is none of theirs.
    """
    strange = sorted(ids.difference(clip.id for clip in clips))
    if strange:
        raise CorpusError(
            f"{len(strange)} of {len(ids)} listed ids are no training clips here, the first "
            f"{strange[0]!r}; take the fold that the list was made for."
        )
    return tuple(clip for clip in clips if clip.id in ids)


def write_table(corpus: Corpus, splits: dict[Split, tuple[Clip, ...]], path: Path) -> None:
    """Write a row a clip."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for split, clips in splits.items():
            for clip in clips:
                audio = (corpus.location / clip.path).absolute()
                table.writerow([clip.id, audio, clip.label, clip.speaker, split])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
