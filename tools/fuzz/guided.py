"""Searches for hostile texts by what they reach in the code: coverage-guided, with atheris.

pip install atheris
python -m tools.fuzz.guided --runs 10000

Each reader gets so many texts, in a process of its own, from the pieces and frames of `texts` on.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from tools.fuzz.texts import FRAMES, PIECES

SECONDS = 2.0
"""That a reader may compute."""
LONGEST = 4096
"""Bytes of a text."""


def main(arguments: Sequence[str]) -> int:
    """Search for all readers, print what goes wrong, and return 1 if anything does."""
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz.guided", description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000, help="texts of a reader")
    parser.add_argument("--seed", type=int, default=1, help="of the search")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="readers, by name")
    parser.add_argument("--search", nargs=2, help=argparse.SUPPRESS)  # a reader, and a folder
    given = parser.parse_args(arguments)
    if find_spec("atheris") is None:
        parser.error("atheris searches, and is not installed; run `pip install atheris`.")
    if given.search:
        search(*given.search, given.runs, given.seed)
    names = given.only or [*import_module("tools.fuzz.readers").READERS]
    wrong = 0
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            begin(Path(folder))
            words = ["--runs", str(given.runs), "--seed", str(given.seed)]
            done = subprocess.run(
                [sys.executable, "-m", "tools.fuzz.guided", *words, "--search", name, folder],
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
        wrong += done.returncode != 0
        last = [line for line in done.stderr.splitlines() if line.startswith("#")][-1:]
        print(f"{name}: {'; '.join(last) or 'nothing was read'}", flush=True)
        if done.returncode:
            print(done.stdout[-1000:], done.stderr[-3000:], flush=True)
    print(f"{len(names)} readers, {given.runs} texts each, {wrong} wrong")
    return 1 if wrong else 0


def search(name: str, folder: str, runs: int, seed: int) -> None:
    """Let atheris search for a text that a reader does not take; ends the process.

    Args:
        name: Of the reader.
        folder: Texts to begin with; what reaches more is added.
        runs: How many texts.
        seed: Of the search.
    """
    import atheris

    with atheris.instrument_imports(include=["emolit"]):
        fuzz = import_module("tools.fuzz.__main__")
    reader = fuzz.READERS[name]

    def one(data: bytes) -> None:
        found = fuzz.fault(reader, data.decode("utf-8", "replace"), SECONDS)
        if found is not None:
            raise AssertionError(f"{name}: {found}")

    limits = [f"-runs={runs}", f"-seed={seed}", f"-max_len={LONGEST}", "-rss_limit_mb=4096"]
    atheris.Setup([sys.argv[0], *limits, f"-artifact_prefix={folder}/", folder], one)
    atheris.Fuzz()


def begin(folder: Path) -> None:
    """Write the texts that the search begins with: pieces and frames."""
    parts = [*PIECES, *(before + "sad" + behind for before, behind in FRAMES)]
    for number, text in enumerate(parts):
        folder.joinpath(str(number)).write_bytes(text.encode("utf-8", "replace"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
