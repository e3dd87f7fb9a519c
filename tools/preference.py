"""Checks a judge of `Preference` against people: pairs of descriptions, and which one they prefer.

    python tools/preference.py FILE
    OPENAI_BASE_URL=http://localhost:8000/v1 python tools/preference.py FILE \
        --judge configs/rewards/preference.yaml --judge.init_args.endpoint.model NAME

FILE is a csv ``name,a1,a2,preference`` as EmoPrefer's: the preference is ``a1``, ``a2`` or
``same``. The first lines show what needs no judge: the longer description, and the one that names
more emotions (words of `PackagedLexicon`). A judge that is not clearly ahead of both may know no
more than they do. The judge is asked by the reward itself, as in training with groups of two; it
sees the texts alone.
"""

import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jsonargparse import ArgumentParser

from emolit.affect.packaged_lexicon import PackagedLexicon
from emolit.errors import ConfigError, EmolitError
from emolit.files.atomic import write_atomically
from emolit.files.table import read_table
from emolit.metrics.weighted_f1 import weighted_f1
from emolit.reporting.tables import ScoreTable, number
from emolit.rewards.preference import Preference
from emolit.statistics.intervals import Array, bootstrap, cluster
from emolit.types import Batch, Clip, Rollout, Sampling

WORTH = {"a1": 1.0, "a2": 0.0, "same": 0.5}
"""What a person's preference is worth to the first description."""
ASKED = "What does the person feel, and how can one tell?"
COLUMNS = ("n", "agreement", "decided", "agreement_decided", "weighted_F1", "ties", "same_found",
           "contradictions", "not_judged")  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """Two descriptions of a clip.

    Attributes:
        name: Of the clip.
        texts: The descriptions.
        preferred: What people prefer, as worth of the first: 1, 0, or 1/2 for neither.
    """

    name: str
    texts: tuple[str, str]
    preferred: float


def main(arguments: list[str] | None = None) -> int:
    """Print the agreement of each judge with people and return the exit status."""
    parser = ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path, help="csv with name, a1, a2, preference")
    parser.add_subclass_arguments(Preference, "judge", required=False, help="a Preference")
    parser.add_argument("--out", type=Path, help="JSON file to write besides")
    given = parser.parse_args(arguments)
    try:
        pairs = read(Path(given.file))
        rows = [row("longer", pairs, [preferring(len, pair) for pair in pairs])]
        rows.append(row("more emotions", pairs, [preferring(emotions(), pair) for pair in pairs]))
        if given.judge is not None:
            rows.append(judged(parser.instantiate(given).judge, pairs))
    except (EmolitError, ValueError) as error:  # jsonargparse makes a ValueError of a ConfigError
        sys.stderr.write(f"error: {error}\n")
        return 1
    if given.out:
        with write_atomically(Path(given.out)) as file:
            json.dump(rows, file, indent=2, allow_nan=False)
    sheet(given.file, pairs, rows).show()
    return 0


def read(file: Path) -> list[Pair]:
    """Return the pairs of a file.

    Raises:
        CorpusError: A preference is none of the three, or a field is empty.
    """
    found = []
    for line in read_table(file, ("name", "a1", "a2", "preference")):
        said = line.required("preference")
        if said not in WORTH:
            raise line.error(f"the preference is {said!r}", f"Write one of {', '.join(WORTH)}.")
        texts = (line.required("a1"), line.required("a2"))
        found.append(Pair(line.required("name"), texts, WORTH[said]))
    return found


def preferring(size: Callable[[str], int], pair: Pair) -> float:
    """Return what a comparison of sizes is worth to the first description."""
    first, second = map(size, pair.texts)
    return 0.5 if first == second else float(first > second)


def emotions() -> Callable[[str], int]:
    """Return what counts the different emotion words of a text."""
    lexicon = PackagedLexicon()
    return lambda text: len({*lexicon.find_words(text)})


def judged(reward: Preference, pairs: Sequence[Pair]) -> dict[str, Any]:
    """Return what a judge comes to.

    Raises:
        ConfigError: It wants the audio, or there is nobody to ask.
        RewardError: It gives no verdict, and the reward's guard does not skip that.
    """
    if reward.hears:
        raise ConfigError("A file of preferences holds no audio; set the judge's `hears: false`.")
    reward.chat.check()
    values = reward(rollout(pairs)).values[:, 0].tolist()
    contradictions = reward.counts["contradictions"] if reward.both_orders else None
    return row(reward.chat.endpoint.model, pairs, values, contradictions)


def rollout(pairs: Sequence[Pair]) -> Rollout:
    """Return the pairs as groups of two responses."""
    clips = tuple(Clip(pair.name, "preferences", "") for pair in pairs)
    count = len(pairs)
    tokens = torch.zeros(count, 2, 1, dtype=torch.long)
    return Rollout(
        Batch(clips, (ASKED,) * count, (None,) * count, (), (), 16_000),
        tokens,
        tokens == 0,
        tokens.float(),
        torch.ones(count, 2, dtype=torch.bool),
        tuple(pair.texts for pair in pairs),
        Sampling(),
    )


def row(
    judge: str, pairs: Sequence[Pair], values: Sequence[float], contradictions: int | None = None
) -> dict[str, Any]:
    """Return how far a judge agrees with people, over the pairs that they and it have compared.

    Args:
        judge: Its name.
        pairs: What was compared.
        values: Its verdicts, as worth of the first description; NaN where it gave none.
        contradictions: Pairs on which the two orders disagree; None where one was asked.
    """
    both = [(pair.preferred, value) for pair, value in zip(pairs, values, strict=True)]
    asked = [(people, value) for people, value in both if people != 0.5]
    known = [(people, value) for people, value in asked if not math.isnan(value)]
    decided = [people == value for people, value in known if value != 0.5]
    counts = torch.zeros(2, 3, dtype=torch.long)
    for people, value in known:
        counts[int(people), {1.0: 1, 0.0: 0}.get(value, 2)] += 1
    return {
        "judge": judge,
        "n": len(known),
        **agreement([pair.name for pair in pairs], both),
        "decided": len(decided),
        "agreement_decided": sum(decided) / len(decided) if decided else None,
        "weighted_F1": float(weighted_f1(counts)) if known else None,
        "ties": len(known) - len(decided),
        "same_found": sum(people == value == 0.5 for people, value in both),
        "contradictions": contradictions,
        "not_judged": sum(math.isnan(value) for value in values),
    }


def agreement(names: Sequence[str], both: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Return the mean agreement with its interval by clip; None where nothing was compared.

    Args:
        names: Of the clips.
        both: What people and the judge say; 1/2 of people and NaN of the judge do not count.
    """
    clips, _ = cluster(names)
    sums = np.zeros((len({*names}), 2))
    for clip, (people, value) in zip(clips, both, strict=True):
        if people != 0.5 and not math.isnan(value):
            sums[clip] += (1 - abs(people - value), 1)
    sums = sums[sums[:, 1] > 0]
    if not len(sums):
        return {"agreement": None, "agreement_interval": None}
    interval = bootstrap(sums, mean, "clips")
    return {"agreement": float(mean(sums.sum(0))), "agreement_interval": asdict(interval)}


def mean(sums: Array) -> Array:
    """Return a mean from what was added up and how often. ``[..., 2]`` -> ``[...]``."""
    return np.asarray(sums[..., 0] / sums[..., 1])


def sheet(file: Path, pairs: Sequence[Pair], rows: Sequence[dict[str, Any]]) -> ScoreTable:
    """Return the table with what one must know to read it."""
    same = sum(pair.preferred == 0.5 for pair in pairs)
    header = ("judge", *(name.replace("_", " ") for name in COLUMNS))
    lines = [(found["judge"], *(shown(name, found) for name in COLUMNS)) for found in rows]
    notes = (
        f"{len(pairs)} pairs; in {same} people prefer neither: they are no part of n and agreement",
        "agreement: a tie of the judge is half right; 95% interval by bootstrap over clips",
        f"same found: ties of the judge among those {same}",
        "weighted F1: a tie is wrong; contradictions: pairs on which its two orders disagree, "
        "which makes a tie",
    )
    return ScoreTable(f"Agreement with people on {file.name}", header, tuple(lines), notes)


def shown(name: str, found: dict[str, Any]) -> str:
    """Return a cell."""
    interval = found["agreement_interval"]
    if name != "agreement" or interval is None or interval["low"] is None:
        return number(found[name])
    return f"{number(found[name])} ({number(interval['low'])}-{number(interval['high'])})"


if __name__ == "__main__":
    sys.exit(main())
