"""Describes a corpus and checks its release: hours, labels, speakers and lengths by split.

    emolit describe --data Ravdess --data.root PARENT
    emolit describe --data configs/corpora/ravdess.yaml --data.root PARENT
    emolit describe --guess clips.csv

The last one proposes which columns of a strange table are which, and what its labels mean.

Exit status 2 for settings that a corpus refuses; 1, with a sentence for each thing, for a release
that does not fit: clips that cannot be used (those that every copy of a release lacks or spoils
are only listed), a size or number of clips by label that the corpus does not have, folds that are
not EmoBox's. Those are compared with a summary of EmoBox's folds, if ``--folds`` names one.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean, median
from typing import Any, get_args

from emolit.commands.corpus import corpus_parser, read_corpus
from emolit.commands.guess import show_guess
from emolit.corpora import Corpus
from emolit.corpora.mixture import Mixture
from emolit.data.audio_check import AudioRecord
from emolit.data.census import shorten
from emolit.errors import EmolitError
from emolit.reporting.tables import ScoreTable
from emolit.types import Clip, Split

OPEN = ("words", "words a clip", "sentiment")
"""What is said of a corpus without labels: different words, their number a clip, the mean."""
HEADER = ("split", "clips", "hours", "speakers", "seconds, least", "median", "most", "texts")


def main(arguments: list[str]) -> int:
    """Print a table for each corpus and return the exit status."""
    option, _, table = (arguments or [""])[0].partition("=")
    if option == "--guess":
        return guess([*filter(None, [table]), *arguments[1:]])
    parser = corpus_parser("emolit describe", (__doc__ or "").splitlines()[0])
    parser.add_argument("--folds", type=str, help="a summary of EmoBox's folds to compare with")
    parser.add_argument("--guess", type=str, help="a table to read alone, without --data")
    corpus, given = read_corpus(parser, arguments)
    if given.guess is not None:
        parser.error("--guess stands alone, without --data")
    if given.folds is not None and not Path(given.folds).is_file():
        parser.error(f"there is no file {given.folds}; give the summary of EmoBox's folds")
    summary = json.loads(Path(given.folds).read_text(encoding="utf-8")) if given.folds else {}
    try:
        members = corpus.corpora if isinstance(corpus, Mixture) else [corpus]
        complaints = [text for member in members for text in describe(member, summary)]
        corpus.setup()
    except EmolitError as error:
        complaints = [str(error)]
    for complaint in complaints:
        sys.stderr.write(f"{complaint}\n")
    return 1 if complaints else 0


def guess(tables: Sequence[str]) -> int:
    """Print what a strange table seems to hold and return the exit status."""
    if len(tables) != 1:
        sys.stderr.write(
            f"error: --guess reads one table, and nothing beside it; there are {len(tables)} words "
            "behind it.\n"
        )
        return 2
    try:
        show_guess(Path(tables[0]))
    except EmolitError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


def describe(corpus: Corpus, summary: Mapping[str, Any]) -> list[str]:
    """Print the table of a corpus and return what does not fit."""
    corpus.loading = replace(corpus.loading, on_bad_audio="skip")
    seconds: list[float] = []
    entries: tuple[AudioRecord, ...] = ()
    for _ in range(2):
        start = time.perf_counter()
        entries = corpus.entries()
        seconds.append(time.perf_counter() - start)
    corpus.setup()
    (census,) = corpus.censuses
    notes = (str(census), f"read in {seconds[0]:.2f} s, again in {seconds[1]:.2f} s")
    by_split = {split: corpus.clips(split) for split in get_args(Split)}
    header = (*HEADER, *(corpus.taxonomy.labels or OPEN))
    rows = [row_of(split, clips, corpus.taxonomy.labels) for split, clips in by_split.items()]
    ScoreTable(f"{corpus.name} in {corpus.location}", header, tuple(rows), notes).show()
    return [*release_complaints(corpus, entries), *fold_complaints(corpus, entries, summary)]


def row_of(split: str, clips: Sequence[Clip], labels: Sequence[str]) -> tuple[str, ...]:
    """Return the line of a split; a dash where there is nothing to say."""
    lengths = [clip.seconds for clip in clips if clip.seconds is not None]
    counts = Counter(clip.label for clip in clips)
    spread = (min(lengths), median(lengths), max(lengths)) if lengths else ()
    return (
        split,
        str(len(clips)),
        f"{sum(lengths) / 3600:.2f}",
        str(len({clip.speaker for clip in clips} - {None})) if clips else "-",
        *([f"{value:.2f}" for value in spread] or ["-"] * 3),
        str(sum(clip.transcript is not None for clip in clips)),
        *([str(counts[label]) for label in labels] or open_truth(clips)),
    )


def open_truth(clips: Sequence[Clip]) -> list[str]:
    """Return what clips without labels have; a dash where they have none of it."""
    words = [clip.words for clip in clips if clip.words]
    values = [clip.sentiment for clip in clips if clip.sentiment is not None]
    return [
        str(len({word for listed in words for word in listed})) if words else "-",
        f"{mean(map(len, words)):.2f}" if words else "-",
        f"{mean(values):.2f}" if values else "-",
    ]


def release_complaints(corpus: Corpus, entries: Sequence[AudioRecord]) -> Iterator[str]:
    """Yield what the release has and should not have, or the other way around."""
    problems = [e.problem for e in entries if e.problem and e.clip.id not in corpus.broken]
    if problems:
        yield f"{corpus.name}: {len(problems)} clips cannot be used: {shorten(problems)}"
    if corpus.size and len(entries) != corpus.size:
        yield f"{corpus.name}: there are {len(entries)} clips, the release has {corpus.size}."
    counts = Counter(entry.clip.label for entry in entries)
    wrong = [
        f"{label} {counts[label]} instead of {number}"
        for label, number in corpus.expected.items()
        if counts[label] != number
    ]
    if wrong:
        yield f"{corpus.name}: other numbers of clips by label: {', '.join(wrong)}."


def fold_complaints(
    corpus: Corpus, entries: Sequence[AudioRecord], summary: Mapping[str, Any]
) -> Iterator[str]:
    """Yield where training (with validation) and test are not as large as EmoBox's, by label."""
    known = summary.get(corpus.name)
    if known is None or corpus.emobox_fold is None:
        return
    names = {raw.casefold(): common.lower() for raw, common in known["label_map"].items()}
    clips = corpus.partition([entry.clip for entry in entries])
    for part, counts in known["folds"][str(corpus.emobox_fold)].items():
        splits = {"train": ("train", "val"), "valid": ("val",), "test": ("test",)}[part]
        if "valid" in known["folds"][str(corpus.emobox_fold)] and part == "train":
            splits = ("train",)
        found = Counter(clip.label for clip in clips if clip.split in splits)
        listed = Counter[str]()
        for raw, number in counts["labels"].items():
            listed[names[raw.casefold()]] += number
        if found != listed:
            yield (
                f"{corpus.name}: the {part} part of EmoBox's fold {corpus.emobox_fold} has "
                f"{dict(sorted(listed.items()))}, this one {dict(sorted(found.items()))}."
            )
