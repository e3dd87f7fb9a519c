"""Puts captions side by side in one HTML file that opens offline: audio, references, runs.

    python tools/caption_report.py --data configs/corpora/secap.yaml --data.root PARENT \
        --runs sft=runs/sft grpo=runs/grpo --out captions.html

A run is the folder of a tested experiment with `PredictionWriter` among its callbacks. Clips are
drawn with a seed from those that every run has captioned. Audio lies inside the file, so that
corpora which must not be passed on must not be passed on with it either.
"""

import base64
import io
import json
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import soundfile
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jsonargparse import ArgumentParser

from emolit.commands.shelves import discover
from emolit.corpora import Corpus
from emolit.data.dataset import ClipDataset
from emolit.errors import ConfigError, CorpusError, EmolitError
from emolit.text.tokenizer import tidy
from emolit.types import Clip

TEMPLATE = "caption_report.html.jinja"
Predictions = Mapping[tuple[str, str], Mapping[str, object]]


def main(arguments: list[str] | None = None) -> int:
    """Write the file and return the exit status."""
    discover()
    parser = ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_subclass_arguments(Corpus, "data", required=True)
    parser.add_argument("--runs", type=str, nargs="+", required=True, help="NAME=FOLDER, several")
    parser.add_argument("--clips", type=int, default=20, help="how many are shown")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--out", type=str, default="captions.html", help="the file to write")
    options = parser.parse_args(arguments)
    try:
        corpus = parser.instantiate(options).data
        corpus.setup()
        runs = {name: read(folder, corpus.names) for name, folder in map(named, options.runs)}
        clips = drawn(corpus.clips("test"), runs, options.clips, options.seed)
        rows = [(clip, flac(corpus, clip), said(clip, runs)) for clip in clips]
    except EmolitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    Path(options.out).write_text(page(", ".join(corpus.names), [*runs], rows), encoding="utf-8")
    print(f"{options.out}: {len(rows)} clips, {len(runs)} runs")
    return 0


def named(text: str) -> tuple[str, Path]:
    """Return name and folder of ``NAME=FOLDER``."""
    name, equals, folder = text.partition("=")
    if not (name and equals and folder):
        raise ConfigError(f"The run {text!r} is not understood; write NAME=FOLDER.")
    return name, Path(folder)


def read(folder: Path, corpora: Sequence[str]) -> Predictions:
    """Return the predictions of a run by corpus and id."""
    found = {}
    for corpus in corpora:
        file = folder / "test" / f"predictions-{corpus}.jsonl"
        if not file.is_file():
            raise CorpusError(
                f"The predictions of a run are missing: looked for {file}. Test it with "
                "`PredictionWriter` among the callbacks."
            )
        rows = map(json.loads, file.read_text(encoding="utf-8").splitlines())
        found |= {(row["corpus"], row["id"]): row for row in rows}
    return found


def drawn(
    clips: Sequence[Clip], runs: Mapping[str, Predictions], number: int, seed: int
) -> list[Clip]:
    """Return some of the clips that every run has captioned, in the order of the corpus."""
    common = [clip for clip in clips if all((clip.corpus, clip.id) in run for run in runs.values())]
    if not common:
        raise CorpusError(
            f"None of the {len(clips)} test clips stands in the predictions of all runs "
            f"{[*runs]}; use the corpus, fold and settings that they were tested with."
        )
    chosen = {clip.id for clip in random.Random(seed).sample(common, min(number, len(common)))}
    return [clip for clip in common if clip.id in chosen]


def flac(corpus: Corpus, clip: Clip) -> str:
    """Return what a model hears of the clip, as FLAC in base64."""
    loading = replace(corpus.loading, frames=0)
    _, waveform = ClipDataset((clip,), corpus.folders, corpus.sampling_rate, loading)[0]
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform.numpy(), corpus.sampling_rate, "PCM_16", format="FLAC")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def said(clip: Clip, runs: Mapping[str, Predictions]) -> list[Mapping[str, object]]:
    """Return what each run predicted for a clip."""
    return [run[clip.corpus, clip.id] for run in runs.values()]


def page(
    title: str,
    runs: Sequence[str],
    rows: Sequence[tuple[Clip, str, Sequence[Mapping[str, object]]]],
) -> str:
    """Return the whole file; whatever stands in a text is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"tidy": tidy, "repr": repr}
    return environment.get_template(TEMPLATE).render(title=title, runs=runs, rows=rows)


if __name__ == "__main__":
    sys.exit(main())
