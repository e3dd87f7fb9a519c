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
from html import escape
from pathlib import Path

import soundfile
from jsonargparse import ArgumentParser

from emolit.commands.shelves import discover
from emolit.corpora import Corpus
from emolit.data.dataset import ClipDataset
from emolit.errors import ConfigError, CorpusError, EmolitError
from emolit.text.tokenizer import tidy
from emolit.types import Clip

STYLE = """
body { font: 16px/1.4 sans-serif; margin: 2em; }
table { border-collapse: collapse; }
th, td { border: 1px solid #ccc; padding: .4em .6em; text-align: left; vertical-align: top; }
th { background: #eee; }
ul { margin: 0; padding-left: 1.2em; }
small { color: #666; }
.unreadable { color: #b00; }
"""
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
        rows = [row(clip, player(corpus, clip), runs) for clip in clips]
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


def player(corpus: Corpus, clip: Clip) -> str:
    """Return an audio element that holds as FLAC what a model hears of the clip."""
    loading = replace(corpus.loading, frames=0)
    _, waveform = ClipDataset((clip,), corpus.folders, corpus.sampling_rate, loading)[0]
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform.numpy(), corpus.sampling_rate, "PCM_16", format="FLAC")
    code = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<audio controls preload="none" src="data:audio/flac;base64,{code}"></audio>'


def row(clip: Clip, sound: str, runs: Mapping[str, Predictions]) -> str:
    """Return the line of a clip."""
    said = f"<br>{escape(tidy(clip.transcript))}" if clip.transcript else ""
    texts = "".join(f"<li>{escape(tidy(text))}</li>" for text in clip.captions)
    captions = (caption(run[clip.corpus, clip.id]) for run in runs.values())
    cells = [f"<small>{escape(clip.id)}</small><br>{sound}{said}", f"<ul>{texts}</ul>", *captions]
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def caption(prediction: Mapping[str, object]) -> str:
    """Return what a run said of a clip; the whole response where it was unreadable."""
    answer = prediction["answer"]
    if answer is None:
        return f'<span class="unreadable">unreadable: {escape(repr(prediction["response"]))}</span>'
    return escape(str(answer))


def page(title: str, runs: Sequence[str], rows: Sequence[str]) -> str:
    """Return the whole file."""
    heads = "".join(f"<th>{escape(name)}</th>" for name in ("clip", "references", *runs))
    return (
        '<!DOCTYPE html>\n<html>\n<head><meta charset="utf-8">'
        f"<title>Captions of {escape(title)}</title><style>{STYLE}</style></head>\n<body>\n"
        f"<h1>Captions of {escape(title)}</h1>\n<table>\n<tr>{heads}</tr>\n"
        + "\n".join(rows)
        + "\n</table>\n</body>\n</html>\n"
    )


if __name__ == "__main__":
    sys.exit(main())
