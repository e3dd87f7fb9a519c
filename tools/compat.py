"""Run the tests on the least, the locked and the newest releases of what emolit depends on.

    python tools/compat.py                               # all three, with the fast tests
    python tools/compat.py newest --python python3.12    # one of them, under another Python
    python tools/compat.py --transformers 5.18 5.19      # the lock, but for one library,
                                                         # with the tests of the core

Each set gets an environment of its own in ``.compat``, which is removed afterwards. Where the
newest releases are those of the lock, one run stands for both. Rows go to
``docs/compatibility.json``; ``docs/compatibility.md`` is rendered from them. A row replaces
an older one of the same set and Python. The exit status is 1 if a test has failed.
"""

import argparse
import configparser
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROWS, PAGE = ROOT / "docs/compatibility.json", ROOT / "docs/compatibility.md"
PLACE = ROOT / ".compat"
SETS = ("least", "lock", "newest")
CORE = ("tests/compat", "tests/engine", "tests/policies")
"""Where a change of transformers shows first."""
SPREAD = ("--numprocesses", "auto", "--dist", "loadfile", "-p", "no:cacheprovider")
Releases = tuple[list[str], tuple[str, ...]]
"""All that is installed, and the tests that ran on it."""
SHOWN = ("torch", "torchaudio", "lightning", "transformers", "peft", "torchmetrics", "jsonargparse")
"""Libraries that the page has a column for; the rows hold all."""


@dataclass(frozen=True)
class Row:
    """What one set of releases did.

    Attributes:
        set: Its name.
        python: The interpreter, such as 3.11.7.
        date: When it ran.
        scope: The tests that ran; empty is all fast ones.
        versions: Of each direct dependency.
        passed: Number of tests.
        failed: Number of tests that failed or could not start.
        skipped: Number of tests.
    """

    set: str
    python: str
    date: str
    scope: tuple[str, ...]
    versions: dict[str, str]
    passed: int
    failed: int
    skipped: int


def main() -> None:
    """Read the command line, run the sets, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("sets", nargs="*", help=f"some of {', '.join(SETS)}; all by default")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--transformers", nargs="+", default=[], metavar="MINOR")
    given = parser.parse_args()
    unknown = sorted(set(given.sets) - set(SETS))
    if unknown:
        raise SystemExit(
            f"error: there is no set {unknown[0]!r}; choose some of {', '.join(SETS)}."
        )
    wanted = [] if given.transformers else given.sets or list(SETS)
    before: list[tuple[Releases, Row]] = []
    rows = [run_set(name, given.python, (), before) for name in wanted]
    rows += [run_set(f"transformers {m}", given.python, CORE, before) for m in given.transformers]
    raise SystemExit(1 if any(row.failed for row in rows) else 0)


def run_set(
    name: str, python: str, scope: tuple[str, ...], before: list[tuple[Releases, Row]]
) -> Row:
    """Make the environment of a set, run its tests, note what came out, and remove it.

    Args:
        name: Of the set.
        python: The interpreter.
        scope: The tests; empty is all fast ones.
        before: What has run; a set of the very same releases is not run again.
    """
    venv = PLACE / name.replace(" ", "-")
    print(f"{name}: installing into {venv.relative_to(ROOT)}", flush=True)
    subprocess.run([python, "-m", "venv", "--clear", str(venv)], check=True)
    for arguments in installation(name, venv):
        uv(arguments, venv)
    inside = json.loads(output([str(venv / "bin/python"), "-c", INSIDE, *direct_names()]))
    versions, version = inside["versions"], inside["python"]
    same = next((row for every, row in before if every == (inside["all"], scope)), None)
    if same is not None:
        print(f"{name}: the releases of {same.set}, whose tests have run", flush=True)
        keep(row := replace(same, set=name))
        shutil.rmtree(venv)
        return row
    log = PLACE / f"{venv.name}.log"
    print(f"{name}: testing; the output goes to {log.relative_to(ROOT)}", flush=True)
    command = [str(venv / "bin/python"), "-m", "pytest", "-q", *SPREAD, *scope]
    with log.open("w", encoding="utf-8") as file:
        subprocess.run(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, check=False)
    counts = outcome(log.read_text(encoding="utf-8"))
    row = Row(name, version, date.today().isoformat(), scope, versions, *counts)
    print(f"{name}: {row.passed} passed, {row.failed} failed, {row.skipped} skipped", flush=True)
    keep(row)
    before.append(((inside["all"], scope), row))
    shutil.rmtree(venv)
    return row


def installation(name: str, venv: Path) -> list[list[str]]:
    """Return uv's arguments for a set of releases."""
    own = ["install", "--editable", f"{ROOT}[dev]"]
    lock = ["sync", "--require-hashes", str(ROOT / "tools/locks/dev.txt")]
    if name == "least":
        return [[*own, "--resolution", "lowest-direct"]]
    if name == "newest":
        open_ended = venv / "open.txt"
        open_ended.write_text("\n".join(without_upper_bounds()) + "\n", encoding="utf-8")
        return [[*own, "--upgrade", "--override", str(open_ended)]]
    if name == "lock":
        return [lock, ["install", "--no-deps", "--editable", str(ROOT)]]
    pin = name.replace(" ", "==") + ".*"
    return [lock, ["install", "--no-deps", "--editable", str(ROOT)], ["install", pin]]


def without_upper_bounds() -> list[str]:
    """Return what emolit installs as requirements that admit every later release.

    Linters keep their bounds: another release finds other faults, and breaks nobody's run.
    """
    return [re.sub(r",?\s*<=?[\w.]+", "", line) for line in requirements("install_requires")] + [
        re.sub(r",?\s*<=?[\w.]+", "", line)
        for line in requirements("dev")
        if not re.match(r"ruff|mypy|uv|setuptools|import-linter|codespell|types-", line)
    ]


def requirements(section: str) -> list[str]:
    """Return the requirements of ``install_requires`` or of an extra, without comments."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    where = "options" if section == "install_requires" else "options.extras_require"
    lines = settings[where][section].splitlines()
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


def direct_names() -> list[str]:
    """Return the packages that emolit depends on directly."""
    return [re.split(r"[\[ <>=]", line, maxsplit=1)[0] for line in requirements("install_requires")]


INSIDE = """
import json, platform, sys
from importlib.metadata import distributions, version
print(json.dumps({"python": platform.python_version(),
                  "versions": {name: version(name) for name in sys.argv[1:]},
                  "all": sorted(f"{each.name}=={each.version}" for each in distributions()
                                if each.name != "pip")}))
"""


def outcome(log: str) -> tuple[int, int, int]:
    r"""Return how many tests passed, failed and were skipped, from pytest's last line.

    Example:
        >>> outcome("x\n2 failed, 41 passed, 3 skipped, 1 error in 5.20s\n")
        (41, 3, 3)
    """
    last = log.strip().rsplit("\n", 1)[-1]
    found = {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", last)}
    failed = sum(found.get(word, 0) for word in ("failed", "error", "errors"))
    if not found.get("passed") and not failed:
        failed = 1  # pytest itself did not start
    return found.get("passed", 0), failed, found.get("skipped", 0)


def keep(row: Row) -> None:
    """Add a row in place of an older one of the same set and Python, and render the page."""
    rows = json.loads(ROWS.read_text(encoding="utf-8")) if ROWS.is_file() else []
    minor = row.python.rsplit(".", 1)[0]
    rows = [r for r in rows if (r["set"], r["python"].rsplit(".", 1)[0]) != (row.set, minor)]
    rows = sorted([*rows, asdict(row)], key=lambda r: (r["python"], order(r["set"])))
    ROWS.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(rows), encoding="utf-8")


def order(name: str) -> tuple[int, list[int]]:
    """Return where a set stands in the table."""
    numbers = [int(number) for number in re.findall(r"\d+", name)]
    return (SETS.index(name) if name in SETS else len(SETS), numbers)


def page(rows: list[dict[str, object]]) -> str:
    """Return the page that shows the rows."""
    head = ["set", "Python", *SHOWN, "tests", "passed", "failed", "skipped", "date"]
    lines = [PREFACE, f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row in rows:
        versions = row["versions"]
        assert isinstance(versions, dict)
        cells = [row["set"], row["python"], *(versions[name] for name in SHOWN)]
        scope = row["scope"]
        assert isinstance(scope, list | tuple)
        cells += [", ".join(scope) or "all fast", row["passed"], row["failed"], row["skipped"]]
        lines.append(f"| {' | '.join(map(str, [*cells, row['date']]))} |")
    return "\n".join(lines) + "\n"


PREFACE = """# Compatibility

`make compat` writes this page. It runs the fast tests on three sets of releases:

- **least**: the lower bounds of `setup.cfg`.
- **lock**: `tools/locks/dev.txt`, which `make install` takes.
- **newest**: the newest of everything, with the upper bounds lifted.

A release that is not between the bounds of `setup.cfg` has not been run. The versions of all direct
dependencies stand in `docs/compatibility.json`.
"""


def uv(arguments: list[str], venv: Path) -> None:
    """Run ``uv pip`` in an environment."""
    path = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if path is None:
        raise SystemExit("error: uv is not there; run `make install` first.")
    subprocess.run(
        [path, "pip", arguments[0], "--quiet", *arguments[1:]],
        env={**os.environ, "VIRTUAL_ENV": str(venv)},
        check=True,
    )


def output(command: list[str]) -> str:
    """Return what a command prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
