"""Tests between runs on the clips that both were tested on, as ``emolit results`` has them."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

from emolit.commands.results.captions import SCORES as CAPTIONED
from emolit.commands.results.comparisons import Answers, adjust, compare, read
from emolit.commands.results.page import p_value, verdict
from emolit.errors import ConfigError
from emolit.reporting.run import Run
from emolit.reporting.tables import ScoreTable

HEADER = (
    *("runs", "corpus", "compared", "clips", "difference", "95% interval"),
    *("randomization p", "Holm", "McNemar p (accuracy)", "Holm", "finding"),
)
ABOUT = (
    "the randomization test swaps whole speakers between the runs (single clips where speakers are "
    "unknown), 10,000 draws; McNemar's exact test takes clips as independent",
    "Holm's correction is over all comparisons of this table, each kind of test by itself; "
    "findings are at 0.05",
)


def comparison_table(runs: Mapping[str, Run]) -> ScoreTable | None:
    """Return the tests between each two runs on each corpus; None where there is nothing to test.

    Args:
        runs: By name; those without a test are left out.
    """
    rows, notes = [], []
    for first, second in combinations(runs, 2):
        for corpus in shared_corpora(runs[first], runs[second]):
            try:
                found = compare_runs(runs[first].folder, runs[second].folder, corpus)
            except ConfigError as error:
                notes.append(f"{second} and {first} are not compared on {corpus}: {error}")
            else:
                rows.append({"arm": second, "versus": first, "corpus": corpus, **found})
    adjust(rows)
    remarks = dict.fromkeys(f"(*) {row['remark']}" for row in rows if row["remark"])
    cells = tuple(tuple(cells_of(row)) for row in rows)
    if not rows and not notes:
        return None
    return ScoreTable("Tests between runs", HEADER, cells, (*ABOUT, *remarks, *notes))


def shared_corpora(first: Run, second: Run) -> list[str]:
    """Return the corpora that both runs were tested on."""
    sides = [(run.scores or {}).get("corpora", {}) for run in (first, second)]
    return [corpus for corpus in sides[0] if corpus in sides[1]]


def compare_runs(first: Path, second: Path, corpus: str) -> dict[str, Any]:
    """Return how much the second run is above the first on a corpus, with its tests.

    Raises:
        ConfigError: The runs were tested on other clips, or wrote no predictions.
    """
    one, other = read({None: second}, corpus), read({None: first}, corpus)
    return compare(one, other, metric_of(one))


def metric_of(answers: Answers) -> str:
    """Return what is compared: UA of labels, else a score of captions, else a reward.

    Raises:
        ConfigError: There is none of these.
    """
    if answers.labels:
        return "UA"
    rewards = answers.lines[0]["rewards"] if answers.lines else {}
    found = [*(name for name in CAPTIONED if name in answers.signatures), *rewards]
    if not found:
        raise ConfigError("Its answers have neither labels nor rewards; test it with some.")
    return str(found[0])


def cells_of(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts of a row."""
    yield from (f"{row['arm']} - {row['versus']}", row["corpus"], row["metric"].replace("_", " "))
    yield str(row["n"])
    yield f"{row['difference']:+.3f}"
    low, high = row["difference_low"], row["difference_high"]
    star = "*" if row["remark"] else ""
    yield "-" if low is None else f"{low:+.3f} to {high:+.3f}{star}"
    for name in ("randomization_p", "McNemar_p"):
        yield p_value(row[name]) if name in row else "-"
        yield p_value(row[f"{name}_holm"]) if name in row else "-"
    yield verdict(row)
