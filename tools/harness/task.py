"""Writes the test clips of a corpus as a task of lmms-eval, by which it asks a checkpoint.

    python -m tools.harness.task --data CORPUS.yaml --data.root DATA --checkpoint SHARED --out TASK

SHARED is a folder that `emolit export` wrote; the question is the one that it has learned. The task
holds the clips as emolit hears them (mono, at the corpus's sampling rate), so it is as long a copy
of the corpus as its license lets you keep.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import soundfile
import yaml

from emolit.commands.corpus import corpus_parser, read_corpus
from emolit.corpora import Corpus
from emolit.errors import ConfigError, EmolitError
from emolit.inference.trained import Trained, read_trained
from tools.harness import clips

CODE = Path(clips.__file__)
"""What the harness imports of a task: how sound is read, and how an answer is scored."""


def main(arguments: list[str]) -> int:
    """Write the task, and say how it is asked for."""
    parser = corpus_parser("tools.harness.task", (__doc__ or "").splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, required=True, help="folder of emolit export")
    parser.add_argument("--out", type=Path, required=True, help="folder of the task")
    corpus, given = read_corpus(parser, arguments)
    try:
        trained = read_trained(given.checkpoint)
        name, clips_written = write_task(corpus, trained, given.out)
    except EmolitError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    print(f"{clips_written} clips; ask by --tasks {name} --include_path {given.out}")
    return 0


def write_task(corpus: Corpus, trained: Trained, out: Path) -> tuple[str, int]:
    """Write task, code, clips and their list; return the task's name, and how many clips it has.

    Raises:
        ConfigError: The corpus is several, or its answers are no labels.
        EmolitError: The corpus cannot be read.
    """
    corpus.prompt = trained.prompt
    corpus.prepare_data()
    corpus.setup("test")
    (out / "audio").mkdir(parents=True, exist_ok=True)
    listed = out.absolute() / "clips.jsonl"
    rows = list(serve(corpus, out.absolute() / "audio"))
    listed.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    name = f"emolit_{corpus.name}"
    task = describe(name, listed, trained.sampling.max_tokens)
    (out / f"{name}.yaml").write_text(task, encoding="utf-8")
    shutil.copyfile(CODE, out / CODE.name)
    return name, len(rows)


def serve(corpus: Corpus, folder: Path) -> Iterator[dict[str, Any]]:
    """Write clip after clip as `emolit test` hears it, and say what is asked about it.

    Raises:
        ConfigError: The corpus is several, or its answers are no labels.
    """
    loader = corpus.test_dataloader()
    if isinstance(loader, list):
        raise ConfigError("A task of the harness is one corpus; name one of the mixture's.")
    number = count()
    for batch in loader:
        for clip, question, wave in zip(batch.clips, batch.questions, batch.waveforms, strict=True):
            if clip.label is None:
                raise ConfigError(
                    f"The clip {clip.id!r} has no label, and the task scores nothing else; name a "
                    "corpus of closed labels."
                )
            path = folder / f"{next(number):06d}.wav"
            soundfile.write(path, wave.numpy(), batch.sampling_rate, subtype="FLOAT")
            yield {"id": clip.id, "audio": str(path), "question": question, "label": clip.label}


def describe(name: str, listed: Path, tokens: int) -> str:
    """Return the YAML of a task; answers are decoded greedily."""
    code = CODE.stem
    settings = {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(listed)}},
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": "question",
        "doc_to_target": "label",
        "metric_list": [{"metric": "accuracy", "aggregation": "mean", "higher_is_better": True}],
        "generation_kwargs": {"max_new_tokens": tokens, "temperature": 0, "do_sample": False},
    }
    functions = f"doc_to_visual: !function {code}.read_sound\n"
    functions += f"process_results: !function {code}.score\n"
    return yaml.safe_dump(settings, sort_keys=False) + functions


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
