"""Builds sdist and wheel of the last commit, and checks that they are ready to be released.

python tools/release.py dist    # `make release-check`, with the SBOM and the check of twine

The files are built twice, in folders and with hash seeds that differ, and must be the same bytes.
All times in them are that of the commit (SOURCE_DATE_EPOCH). setuptools keeps to it in wheels; an
sdist is packed again here.
"""

import argparse
import gzip
import hashlib
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = (
    "Renamed", "Added", "Changed", "Deprecated", "Removed", "Fixed", "Security", "Results",
)  # fmt: skip
"""Headings of a version in CHANGELOG.md, in this order."""
SECTION = re.compile(r"(\d+\.\d+\.\d+) - \d{4}-\d\d-\d\d")


def main() -> int:
    """Build, and print what is wrong; return 1 if anything is."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("out", type=Path, help="folder for both files")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for old in (*out.glob("*.whl"), *out.glob("*.tar.gz")):
        old.unlink()
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        seeds = ((one, "1"), (other, "2"))
        first, second = (build(Path(folder), seed) for folder, seed in seeds)
        found = [f"{name} differs between two builds" for name in differing(first, second)]
        for path in first:
            (out / path.name).write_bytes(path.read_bytes())
            print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}")
    found += problems(show("CHANGELOG.md"), version(show("emolit/__init__.py")))
    if version(show("emolit/__init__.py")) not in show("CITATION.cff"):
        found.append("CITATION.cff has another version than emolit")
    for problem in found:
        print(f"error: {problem}")
    return 1 if found else 0


def show(name: str) -> str:
    """Return a file of the last commit."""
    return git("show", f"HEAD:{name}").decode()


def git(*arguments: str) -> bytes:
    """Return what git says."""
    return subprocess.run(["git", *arguments], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout


def version(module: str) -> str:
    """Return the version that a module states."""
    return re.findall(r'^__version__ = "(.+)"$', module, re.MULTILINE)[0]


def build(folder: Path, seed: str) -> list[Path]:
    """Build sdist and wheel of the last commit.

    Args:
        folder: An empty one.
        seed: Of Python's hashes.

    Returns:
        Both files.
    """
    os.umask(0o022)  # modes of files are in both
    epoch = git("log", "-1", "--format=%ct").decode().strip()
    (folder / "source.tar").write_bytes(git("archive", "--format=tar", "HEAD"))
    with tarfile.open(folder / "source.tar") as source:
        source.extractall(folder / "source", filter="data")
    made = folder / "made"
    subprocess.run(
        [Path(sys.executable).parent / "uv", "build", "--quiet", "--no-build-isolation",
         "--python", sys.executable, "--out-dir", made, folder / "source"],
        env={**os.environ, "SOURCE_DATE_EPOCH": epoch, "PYTHONHASHSEED": seed},
        check=True,
    )  # fmt: skip
    (sdist,) = made.glob("*.tar.gz")
    repack(sdist, int(epoch))
    return sorted([sdist, *made.glob("*.whl")])


def repack(sdist: Path, epoch: int) -> None:
    """Pack an sdist again: members in order, of nobody and of one time.

    Args:
        sdist: It is replaced.
        epoch: Seconds since 1970.
    """
    with tarfile.open(sdist) as packed:
        members = [(member, packed.extractfile(member)) for member in packed.getmembers()]
        draft = sdist.with_name("draft")
        with (
            draft.open("wb") as file,
            gzip.GzipFile("", "wb", fileobj=file, mtime=epoch) as pressed,
            tarfile.open(fileobj=pressed, mode="w", format=tarfile.PAX_FORMAT) as again,
        ):
            for member, content in sorted(members, key=lambda each: each[0].name):
                member.mtime, member.uid, member.gid = epoch, 0, 0
                member.uname = member.gname = ""
                member.pax_headers = {}
                again.addfile(member, content)
    draft.replace(sdist)


def differing(first: list[Path], second: list[Path]) -> list[str]:
    """Return the names of files that are not the same bytes in both lists."""
    one, other = ({path.name: path.read_bytes() for path in paths} for paths in (first, second))
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def problems(changelog: str, released: str) -> list[str]:
    """Return what is wrong with a changelog.

    Args:
        changelog: Text of CHANGELOG.md.
        released: The version that shall be released.
    """
    _, *sections = re.split(r"^## ", changelog, flags=re.MULTILINE)
    names = [section.partition("\n")[0] for section in sections]
    found = [problem for section in sections for problem in _in_section(section)]
    return found + _misplaced(names, released)


def _in_section(section: str) -> list[str]:
    """Return what is wrong below a heading of the second level."""
    name = section.partition("\n")[0]
    before, *parts = re.split(r"^### ", section.partition("\n")[2], flags=re.MULTILINE)
    heads = [part.partition("\n")[0] for part in parts]
    found = [f"{name}: {line!r} stands below no heading" for line in before.split("\n") if line]
    if heads != [head for head in PARTS if head in heads]:
        found.append(f"{name}: of the headings {heads} one is unknown, twice or out of order")
    for part in parts:
        lines = [line for line in part.split("\n")[1:] if line.strip()]
        if not lines or not lines[0].startswith("- "):
            found.append(f"{name}, {part.partition(chr(10))[0]}: there is no entry")
        odd = [line for line in lines if not line.startswith(("- ", "  "))]
        found += [f"{name}: {line!r} begins neither with '- ' nor with two blanks" for line in odd]
    return found if parts else [*found, f"{name}: there is no entry"]


def _misplaced(sections: list[str], released: str) -> list[str]:
    """Return what is wrong with the versions of a changelog, the newest first."""
    dated = [match[1] for name in sections if (match := SECTION.fullmatch(name))]
    found = [
        f"the section {name!r} is no `1.2.3 - YYYY-MM-DD`, nor the first and Unreleased"
        for place, name in enumerate(sections)
        if not SECTION.fullmatch(name) and (place, name) != (0, "Unreleased")
    ]
    if dated != sorted({*dated}, key=lambda name: [-int(part) for part in name.split(".")]):
        found.append(f"the versions {dated} are not in order, the newest first")
    if dated[:1] != [released]:
        found.append(f"the newest section is not {released}; write `## {released} - YYYY-MM-DD`")
    return found


if __name__ == "__main__":
    sys.exit(main())
