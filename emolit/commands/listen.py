"""Asks whether a checkpoint listens: the test again with silence, with other sound, other words.

    emolit listen runs/mine/grpo/best --data configs/corpora/ravdess.yaml --data.root PARENT

Every clip of the test is asked about under several conditions. ``UA`` is that of the label that is
heard; with silence it is the clip's. A model that listens keeps its UA with another clip of the
same label, follows another label, and falls to chance in silence. Prompts that show what is said
are asked without sound, without words, and with words of another label, too. Writes
``listen.json`` and ``listen.md`` into ``--out``.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

from lightning.pytorch import Trainer
from lightning.pytorch.utilities import rank_zero_info

from emolit import __version__
from emolit.commands.corpus import corpus_parser, read_corpus
from emolit.commands.quiet import hush
from emolit.corpora import Corpus
from emolit.data.dataset import Collate, clip_loader
from emolit.data.sampler import ClipSampler
from emolit.data.swaps import SOUND, WORDS, Swap, SwappedDataset
from emolit.errors import ConfigError, CorpusError, EmolitError
from emolit.files.atomic import write_atomically
from emolit.inference.trained import Trained, read_trained
from emolit.reporting.scorecard import of_arrays, scorecard
from emolit.reporting.tables import ScoreTable, interval, number
from emolit.statistics.significance import difference
from emolit.tasks.inference import Inference
from emolit.types import Clip, Evaluation

UNCHANGED = "as it is"
COMPETING = ("another label", "contradicting words")
"""Conditions in which two labels compete."""


@dataclass(frozen=True)
class Heard:
    """The answers to one condition, one a swap.

    Attributes:
        swaps: What was asked.
        answers: Class indices, -1 where unreadable.
    """

    swaps: tuple[Swap, ...]
    answers: tuple[int, ...]


def main(arguments: list[str]) -> int:
    """Ask under all conditions, write the table, and return the exit status."""
    hush()
    parser = corpus_parser("emolit listen", (__doc__ or "").splitlines()[0])
    parser.add_argument("checkpoint", type=str, help="folder of a trained model")
    parser.add_argument("--out", type=str, default="runs/listen", help="folder")
    parser.add_argument("--seed", type=int, default=0, help="of the draw of donors")
    parser.add_argument("--resamples", type=int, default=1000, help="of an interval")
    corpus, given = read_corpus(parser, arguments)
    try:
        report = listen(corpus, given)
    except EmolitError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    out = Path(given.out)
    tables = [table_of(name, entry) for name, entry in report["corpora"].items()]
    with write_atomically(out / "listen.json") as file:
        json.dump(report, file, indent=2, ensure_ascii=False)
    with write_atomically(out / "listen.md") as file:
        file.write("\n".join(table.markdown() for table in tables))
    for table in tables:
        table.show()
    print(f"written: {out / 'listen.json'}, {out / 'listen.md'}")
    return 0


def listen(corpus: Corpus, given: Any) -> dict[str, Any]:
    """Return all that listen.json holds.

    Raises:
        ConfigError: Answers are open.
        CorpusError: No test clip has a label that the checkpoint knows.
    """
    trained = read_trained(given.checkpoint)
    if not trained.options:
        raise ConfigError(
            f"{given.checkpoint} answers in its own words; `emolit listen` counts closed labels."
        )
    corpus.prepare_data()
    corpus.setup("test")
    clips = [clip for clip in corpus.clips("test") if clip.label in trained.labels]
    left = len(corpus.clips("test")) - len(clips)
    if left:
        rank_zero_info(f"{left} test clips have labels that {given.checkpoint} does not know")
    if not clips:
        raise CorpusError(
            f"No test clip has one of the labels {list(trained.labels)}; rename labels with "
            "`--data.label_map`, or choose another corpus."
        )
    module = trained.module()
    trainer = Trainer(
        devices=1, logger=False, enable_checkpointing=False, enable_model_summary=False
    )
    conditions = {**SOUND, **(WORDS if trained.wants_transcript else {})}
    heard = {
        name: ask(trainer, module, trained, corpus, condition(clips, given.seed))
        for name, condition in conditions.items()
    }
    return {
        "emolit": __version__,
        "checkpoint": str(given.checkpoint),
        "labels": list(trained.labels),
        "seed": given.seed,
        "resamples": given.resamples,
        "shows_transcript": trained.wants_transcript,
        "corpora": {
            name: entry_of(heard, name, trained.labels, given.resamples)
            for name in dict.fromkeys(clip.corpus for clip in clips)
        },
    }


def ask(
    trainer: Trainer, module: Inference, trained: Trained, corpus: Corpus, swaps: Sequence[Swap]
) -> Heard:
    """Ask about every swap, greedily."""
    if not swaps:
        return Heard((), ())
    window = trained.window or corpus.loading.max_seconds
    most = min(window, corpus.loading.max_seconds)
    loading = replace(corpus.loading, max_seconds=most, on_bad_audio="raise")  # one answer a swap
    clips: tuple[Clip, ...] = tuple(swap.clip for swap in swaps)
    dataset = SwappedDataset(
        clips, corpus.folders, trained.sampling_rate, loading, swaps=tuple(swaps)
    )
    collate = Collate(trained.prompt, trained.labels, trained.sampling_rate)
    loader = clip_loader(dataset, ClipSampler([len(clips)]), collate, training=False)
    found = cast("list[Evaluation]", trainer.predict(module, loader))
    answers = [answer for evaluation in found for answer in evaluation.answers]
    return Heard(tuple(swaps), tuple(index_of(answer, trained.labels) for answer in answers))


def index_of(answer: object, labels: Sequence[str]) -> int:
    """Return the class of an answer; -1 where it is unreadable."""
    return labels.index(str(answer)) if answer in labels else -1


def entry_of(
    heard: dict[str, Heard], corpus: str, labels: Sequence[str], resamples: int
) -> dict[str, Any]:
    """Return what was found on one corpus, by condition; None where no clip has a donor."""
    before = {
        swap.clip.id: answer
        for swap, answer in zip(heard[UNCHANGED].swaps, heard[UNCHANGED].answers, strict=True)
        if swap.clip.corpus == corpus
    }
    found: dict[str, Any] = {}
    for name, answers in heard.items():
        pairs = [
            (swap, answer)
            for swap, answer in zip(answers.swaps, answers.answers, strict=True)
            if swap.clip.corpus == corpus
        ]
        found[name] = scores_of(name, pairs, before, labels, resamples) if pairs else None
    return found


def scores_of(
    name: str,
    pairs: Sequence[tuple[Swap, int]],
    before: dict[str, int],
    labels: Sequence[str],
    resamples: int,
) -> dict[str, Any]:
    """Return the scores of one condition.

    Returns:
        Those of `scorecard` against the label that is heard, and ``same``, the share of answers
        that are as before. Where the truth is that of before, ``change`` of UA with its interval;
        where two labels compete, ``other_label``, the share of answers that name the other one.
    """
    swaps, answers = [swap for swap, _ in pairs], [answer for _, answer in pairs]
    own = [labels.index(str(swap.clip.label)) for swap in swaps]
    truth = [labels.index(str((swap.sound or swap.clip).label)) for swap in swaps]
    speakers = [swap.clip.speaker for swap in swaps]
    then = [before[swap.clip.id] for swap in swaps]
    found = scorecard(labels, answers, truth, speakers, resamples)
    kept = ("n", "UA", "UA_interval", "parse_rate", "recall")
    entry = {key: found[key] for key in kept}
    entry["same"] = sum(a == b for a, b in zip(answers, then, strict=True)) / len(answers)
    if truth == own and name != UNCHANGED:
        changed = difference(answers, then, truth, speakers, of_arrays("UA"), resamples)
        entry["change"] = found["UA"] - scorecard(labels, then, truth, speakers, 1)["UA"]
        entry["change_interval"] = asdict(changed)
    if name in COMPETING:
        others = [other_of(swap, labels) for swap in swaps]
        named = sum(a == b for a, b in zip(answers, others, strict=True))
        entry["other_label"] = named / len(others)
    return entry


def other_of(swap: Swap, labels: Sequence[str]) -> int:
    """Return the label that competes with the one heard: of the words, else of the clip asked."""
    other = swap.words if swap.sound == swap.clip and swap.words else swap.clip
    return labels.index(str(other.label))


def table_of(corpus: str, entry: dict[str, Any]) -> ScoreTable:
    """Return the table of one corpus."""
    rows = []
    for name, found in entry.items():
        if found is None:
            rows.append((name, "0", "", "", "", "", ""))
            continue
        change = found.get("change_interval")
        rows.append(
            (
                name,
                str(found["n"]),
                number(found["UA"]),
                interval(found["UA_interval"]),
                "" if change is None else f"{found['change']:+.3f} {interval(change)}",
                number(found["same"]),
                number(found["other_label"]) if "other_label" in found else "",
            )
        )
    header = (
        "condition", "n", "UA", "95% interval", "change of UA", "same answer", "other label",
    )  # fmt: skip
    notes = (
        "UA is against the label that is heard; in silence, and with words alone, the clip's.",
        "other label: answers that name the label of the clip asked about, or of the words shown.",
    )
    return ScoreTable(f"Does it listen? {corpus}", header, tuple(rows), notes)
