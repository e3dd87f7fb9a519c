"""Asks a trained checkpoint about recordings, which need no labels.

    emolit predict --checkpoint runs/mine/grpo/best new/*.wav
    emolit predict --checkpoint runs/mine/grpo/best FOLDER --out answers.csv
    find . -name '*.mp4' | emolit predict --checkpoint runs/mine/grpo/best - --out answers.jsonl

Recordings are files, folders, patterns, lists (``.txt``, ``-`` is the standard input) and tables
with a column ``path``. Question, labels and window are those of the training. A recording that
cannot be used is told at the end, and the exit status is 1. The same command goes on with a run
that broke off. With ``--config``, `emolit predict` runs Lightning's on an experiment.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Trainer
from lightning.pytorch.utilities import rank_zero_info, rank_zero_warn

from emolit.commands.parsing import Parser, own_error
from emolit.commands.quiet import hush
from emolit.compat.lightning import callbacks_of, first_process
from emolit.corpora.recordings import Recordings
from emolit.data.dataset import LoaderSettings
from emolit.engine.weights.selection import selection_of
from emolit.errors import ConfigError, EmolitError
from emolit.files.listing import states_below
from emolit.inference.answer import merge_segments
from emolit.inference.listener import choose_window
from emolit.inference.output import (
    By,
    Row,
    check_out,
    flatten,
    problem_row,
    rows_of,
    write_rows,
)
from emolit.inference.part_files import PartFiles
from emolit.inference.trained import Trained, read_trained
from emolit.inference.writing import AnswerWriter, SpeedBar, segment_of
from emolit.reporting.tables import ScoreTable
from emolit.text.printable import printable

FEW = 20
"""Recordings whose answers are shown on the terminal, where no output is named."""
STDIN = "-"


def main(arguments: list[str]) -> int:
    """Ask, write, and return the exit status."""
    hush()
    parser = predict_parser()
    given = parser.parse_args(arguments)
    try:
        return predict(given, parser.instantiate_classes(given).trainer)
    except (MisconfigurationException, OSError) as error:
        if os.environ.get("EMOLIT_TRACEBACK"):
            raise
        sys.stderr.write(printable(f"error: {error}\n"))
        return 2
    except (EmolitError, ValueError) as error:
        told = own_error(error)
        if told is None or os.environ.get("EMOLIT_TRACEBACK"):
            raise
        sys.stderr.write(printable(f"error: {told}\n"))
        return 2


def predict_parser() -> Parser:
    """Return the parser of the command."""
    parser = Parser(prog="emolit predict", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--checkpoint", type=str | None, help="folder of a trained model")
    parser.add_argument("recordings", nargs="*", help="files, folders, patterns, lists, tables, -")
    parser.add_argument("--out", type=str | None, help="answers.csv or answers.jsonl")
    parser.add_argument("--by", type=Literal["recording", "window"] | None, help="what a row is")
    parser.add_argument("--window", type=float | None, help="seconds; by default as trained")
    parser.add_argument("--overlap", type=float, default=0.25, help="share of a window")
    parser.add_argument("--batch_size", type=int, default=32, help="windows asked about at once")
    parser.add_argument("--num_workers", type=int, default=0, help="processes that decode")
    parser.add_argument("--overwrite", type=bool, default=False, help="replace --out")
    parser.add_lightning_class_args(Trainer, "trainer")
    quiet = ("logger", "enable_checkpointing", "enable_model_summary")
    parser.set_defaults({f"trainer.{name}": False for name in quiet} | {"trainer.devices": 1})
    return parser


def predict(given: Any, settings: Any) -> int:
    """Ask about all recordings and return the exit status.

    Args:
        given: The options.
        settings: Of the trainer.

    Raises:
        ConfigError: Options do not fit each other.
    """
    check_given(given)
    trained = read_trained(given.checkpoint)
    out = None if given.out is None else Path(given.out).expanduser()
    if out is not None:
        check_out(out, given.overwrite)
    corpus = Recordings(
        sources=expand_stdin(given.recordings),
        root=".",
        window=choose_window(given.window, trained.window),
        overlap=given.overlap,
        prompt=trained.prompt,
        labels=list(trained.labels),
        loading=LoaderSettings(
            eval_batch_size=given.batch_size, num_workers=given.num_workers, on_bad_audio="skip"
        ),
    )
    count = len(corpus.found.clips)
    if out is None and count > FEW:
        raise ConfigError(
            f"There are {count} recordings, more than the terminal shows; name --out answers.csv "
            "or answers.jsonl."
        )
    tell_found(corpus, trained)
    trainer = make_trainer(settings)
    if trainer.world_size > 1 and (out is None or STDIN in given.recordings):
        raise ConfigError(
            "Several processes ask together: name --out, and put a .txt file in the place of -."
        )
    with TemporaryDirectory() as folder:
        parts = PartFiles(out or Path(folder, "answers.jsonl"), describe_question(trained, corpus))
        with parts.held() if first_process() else nullcontext():
            if out is not None:
                check_out(out, given.overwrite)  # another run may have written it by now
            ask(trainer, trained, corpus, parts)
            if not trainer.is_global_zero:
                return 0
            lines = parts.read()
            give_up(corpus, lines)
            rows = rows_in_order(corpus, lines, trained, given.by)
            if out is not None:
                write_rows(out, rows, trained.options)
                parts.remove()
    if (out is None or len(rows) <= FEW) and corpus.windows:
        show(rows, trained.options)
    return tell_end(corpus, out)


def check_given(given: Any) -> None:
    """Refuse a command that does not say what to ask, or about what.

    Raises:
        ConfigError: It does not.
    """
    if given.checkpoint is None or not given.recordings:
        missing = "recordings" if given.checkpoint else "a folder of weights by --checkpoint"
        raise ConfigError(
            f"Name {missing}: emolit predict --checkpoint runs/mine/grpo/best new/*.wav (or "
            "--config EXPERIMENT.yaml, for the test clips of a corpus)."
        )


def ask(trainer: Trainer, trained: Trained, corpus: Recordings, parts: PartFiles) -> None:
    """Ask about the windows that were not answered yet."""
    before = parts.read()
    corpus.answered = frozenset(before)
    corpus.prepare_data()
    corpus.setup("predict")
    if before:
        rank_zero_info(f"{len(before)} windows were answered before; these answers are kept")
    if not corpus.clips("test"):
        return
    callbacks_of(trainer)[:0] = [AnswerWriter(parts, trained.prompt)]
    trainer.predict(trained.module(), datamodule=corpus, return_predictions=False)


def make_trainer(settings: Any) -> Trainer:
    """Return the trainer, whose bar tells the speed."""
    given = dict(settings)
    bar = [SpeedBar()] if given.get("enable_progress_bar") is not False else []
    more = given.pop("callbacks") or []
    return Trainer(**given, callbacks=[*bar, *(more if isinstance(more, list) else [more])])


def expand_stdin(words: list[str]) -> list[str]:
    """Return the words, with what the standard input lists in place of ``-``."""
    found: list[str] = []
    for word in words:
        found += sys.stdin.read().splitlines() if word == STDIN else [word]
    return [word for word in found if word.strip()]


def describe_question(trained: Trained, corpus: Recordings) -> dict[str, Any]:
    """Return what makes two runs the same: the weights and the question."""
    return {
        "checkpoint": str(Path(trained.checkpoint).resolve()),
        "selection": selection_of(trained.checkpoint),
        "weights": states_below(Path(trained.checkpoint)),
        "question": trained.record["prompt"],
        "labels": list(trained.labels),
        "window": corpus.window,
        "overlap": corpus.overlap,
    }


def tell_found(corpus: Recordings, trained: Trained) -> None:
    """Say what was not taken, and what the question lacks."""
    found = corpus.found
    if found.repeated:
        rank_zero_info(f"{found.repeated} recordings were named again; each is asked about once")
    if found.others:
        rank_zero_info(f"{found.others} files in the folders are neither audio nor video")
    silent = sum(clip.transcript is None for clip in found.clips)
    if trained.wants_transcript and silent:
        rank_zero_warn(
            f"{trained.checkpoint} was trained with what is said in its question; {silent} of "
            f"{len(found.clips)} recordings have no transcript. A table may have one."
        )


def give_up(corpus: Recordings, lines: dict[str, Any]) -> None:
    """Take out recordings that could not be read to their end any more."""
    for name, windows in list(corpus.windows.items()):
        missing = [window for window in windows if window.id not in lines]
        if missing:
            del corpus.windows[name]
            corpus.problems[name] = (
                f"{len(missing)} of its {len(windows)} windows could not be read any more; ask "
                "again once the file is back."
            )


def rows_in_order(
    corpus: Recordings, lines: dict[str, Any], trained: Trained, by: By | None
) -> list[Row]:
    """Return the rows of the output, recordings in the order in which they were named."""
    rows: list[Row] = []
    for clip in corpus.found.clips:
        if clip.id in corpus.problems:
            rows.append(problem_row(clip.id, clip.path, corpus.problems[clip.id]))
            continue
        segments = [segment_of(lines[window.id]) for window in corpus.windows[clip.id]]
        answer = merge_segments(segments, trained.options)
        rows += rows_of(
            clip.id, clip.path, answer, by or ("window" if answer.captions else "recording")
        )
    return rows


def show(rows: list[Row], labels: Sequence[str]) -> None:
    """Print the answers, without what is empty everywhere."""
    flat = [flatten(row, labels) for row in rows if "problem" not in row]
    full = dict.fromkeys(name for row in flat for name, value in row.items() if value is not None)
    header = [name for name in full if name != "path"]
    texts = tuple(tuple(cell(row.get(name)) for name in header) for row in flat)
    ScoreTable("Answers", tuple(header), texts).show()


def cell(value: Any) -> str:
    """Return a value as it is shown: three digits of a number."""
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def tell_end(corpus: Recordings, out: Path | None) -> int:
    """Say where the answers are and what could not be used; return the exit status."""
    if out is not None:
        rank_zero_info(f"{len(corpus.windows)} recordings answered, in {out}")
    for name, problem in corpus.problems.items():
        sys.stderr.write(printable(f"{name} was not answered: {problem}\n"))
    return 1 if corpus.problems else 0
