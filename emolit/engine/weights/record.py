"""What a checkpoint folder says about the question that its weights have learned to answer.

``emolit.json`` lies beside the weights. What was learned stands in it as ``prompt`` (class and
arguments), ``labels`` in the order of the options, and ``corpora``, the names of those that were
trained on. What asking needs besides is ``policy`` (class and arguments), ``sampling``, ``window``
(seconds of a clip that are heard, null where there is no limit), ``sampling_rate`` in Hz and
``frames`` (pictures that are seen of each clip). For the reader there are ``versions``, ``scores``
(of the last validation), ``base`` (where training began) and ``licenses`` of the corpora. Other
keys may come.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emolit.engine.weights.intact import read_object
from emolit.engine.weights.record_check import check_record

if TYPE_CHECKING:
    from emolit.prompts import Prompt

FILE = "emolit.json"
PACKAGES = ("emolit", "torch", "transformers", "peft", "lightning")
"""Libraries whose releases are noted."""
Record = dict[str, Any]


def record_of(prompt: "Prompt | None", labels: Sequence[str], corpora: Sequence[str]) -> Record:
    """Return what is written of a question.

    Args:
        prompt: Asks.
        labels: K options, in class order.
        corpora: Names of those that are heard.

    Example:
        >>> from emolit.prompts.direct import Direct
        >>> record_of(Direct(), ("angry", "sad"), ("toy",))["prompt"]["class_path"]
        'emolit.prompts.direct.Direct'
    """
    asked = prompt and {"class_path": path_of(prompt), "init_args": prompt.arguments}
    found = {"prompt": asked, "labels": list(labels), "corpora": list(corpora)}
    told: Record = json.loads(json.dumps(found, default=repr))  # as it is read back
    return told


def record_of_run(task: Any, corpus: Any, scores: Mapping[str, Any]) -> Record:
    """Return what is written beside the weights of a run.

    Args:
        task: With policy, prompt and sampling.
        corpus: With labels, names, licenses; None where a trainer has loaders alone.
        scores: By log key; those of validation are kept.
    """
    labels, names = (corpus.taxonomy.labels, corpus.names) if corpus is not None else ((), ())
    policy, sampling = getattr(task, "policy", None), getattr(task, "sampling", None)
    dtype = getattr(policy, "dtype", None)
    kept = {key: float(value) for key, value in scores.items() if key.startswith("val/")}
    return record_of(getattr(task, "prompt", None), labels, names) | {
        "policy": policy
        and {"class_path": path_of(policy), "init_args": {"dtype": dtype} if dtype else {}},
        "sampling": sampling and {**asdict(sampling.greedy()), "stop": list(sampling.stop)},
        "window": heard_seconds(policy, corpus),
        "sampling_rate": getattr(corpus, "sampling_rate", None),
        "frames": getattr(getattr(corpus, "loading", None), "frames", 0),
        "versions": {name: version(name) for name in PACKAGES},
        "scores": {key: value if isfinite(value) else None for key, value in kept.items()},
        "base": getattr(policy, "checkpoint", None) or None,
        "licenses": getattr(corpus, "licenses", {}),
    }


def heard_seconds(policy: Any, corpus: Any) -> float | None:
    """Return how many seconds of a clip were heard; None where nothing was cut."""
    loading = getattr(corpus, "loading", None)
    limits = (getattr(policy, "window", None), getattr(loading, "max_seconds", None))
    return min((float(limit) for limit in limits if limit is not None), default=None)


def path_of(thing: Any) -> str:
    """Return the class path of an object, as YAML names it.

    Example:
        >>> path_of(Path("a").parent.name)
        'builtins.str'
    """
    kind = type(thing)
    return f"{kind.__module__}.{kind.__qualname__}"


def render_record(record: Record) -> str:
    """Return the text of the file."""
    return json.dumps(record, ensure_ascii=False, indent=2) + "\n"


def read_record(checkpoint: str | Path) -> Record | None:
    """Return what a checkpoint says, a folder or the file beside it; None where it says nothing.

    Raises:
        PolicyError: What it says cannot be read, or is of another type.
    """
    folder = Path(checkpoint)
    path = (folder.with_suffix("") if folder.suffix == ".ckpt" else folder) / FILE
    if not path.is_file():
        return None
    found = read_object(path)
    check_record(path, found)
    return found


def prompt_differs(trained: Record, now: Record) -> str | None:
    """Return how the prompt differs from the one of the training, as words; None where it is it.

    Example:
        >>> def asked(question):
        ...     return {"prompt": {"class_path": "a.Direct", "init_args": {"question": question}}}
        >>> prompt_differs(asked("Well?"), asked("So?"))
        "`question` is 'So?' and was 'Well?'"
        >>> prompt_differs(asked("Well?"), asked("Well?"))
    """
    then, here = trained["prompt"], now["prompt"]
    if not then or not here or then == here:
        return None
    if then["class_path"] != here["class_path"]:
        return f"it is {here['class_path']} and was {then['class_path']}"
    old, new = then["init_args"], here["init_args"]
    odd = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return "; ".join(f"`{name}` is {new.get(name)!r} and was {old.get(name)!r}" for name in odd)


def labels_differ(trained: Record, now: Record) -> str | None:
    """Return how the labels differ from those of the training, as words; None where they do not.

    Example:
        >>> labels_differ({"labels": ["sad"]}, {"labels": ["sad", "shy"]})
        "the labels are ['sad', 'shy'] and were ['sad']"
    """
    then, here = trained["labels"], now["labels"]
    return None if then == here else f"the labels are {here} and were {then}"
