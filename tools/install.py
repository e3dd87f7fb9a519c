"""Set up ``.venv`` with exactly what was tested: the packages of a lock, checked by their hashes.

    python3 tools/install.py               # tools/locks/dev.txt: emolit, its tests and checks
    python3 tools/install.py bench         # tools/locks/bench.txt: what `make bench` compares with
    python3 tools/install.py docs          # tools/locks/docs.txt: what `make docs` builds with
    python3 tools/install.py --torch cpu   # torch without CUDA, where PyPI's build has it

It needs nothing but Python's standard library. What is there already is left alone, so a second
call takes a moment; what has been downloaded is kept, so a call after a broken one goes on.
"""

import argparse
import configparser
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("dev", "bench", "docs")
GIGABYTES = {"cuda": (3.5, 7.0), "cpu": (0.7, 2.3)}
"""To download, and on the disk, on Linux with x86-64, the lock of November 2026. The first pair is
measured; the second is the same without CUDA, with the sizes of torch 2.13's build for CPUs."""
CUDA = re.compile(r"torch|torchaudio|triton|nvidia-.*|cuda-.*")
"""Packages of a lock that a build of torch without CUDA replaces or does without."""
TRIES = 3


class InstallError(Exception):
    """What is missing, and what to do about it; shown as it is."""


def main() -> None:
    """Read the command line, and install."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "lock",
        nargs="?",
        choices=LOCKS,
        default="dev",
        help="bench adds what emolit is timed beside, docs what builds the pages",
    )
    parser.add_argument("--torch", choices=tuple(GIGABYTES), default="cuda", help="build of torch")
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv", help="folder")
    given = parser.parse_args()
    try:
        install(given.lock, given.torch, given.venv)
    except InstallError as error:
        raise SystemExit(f"error: {error}") from error


def install(lock: str, torch: str, venv: Path) -> None:
    """Make the environment what the lock says, unless it is.

    Raises:
        InstallError: This machine lacks something, or a download breaks again and again.
    """
    wanted, found = stamp(lock, torch), read_stamp(venv)
    if all(found.get(key) == value for key, value in wanted.items()):
        return
    check_python(sys.version_info[:2], required_python())
    check_venv_module()
    check_disk(venv, torch, new=not found)
    download, disk = GIGABYTES[torch]
    print(
        f"Installing tools/locks/{lock}.txt into {venv.name}: up to {download:g} GB to download, "
        f"{disk:g} GB on the disk; two minutes on a fast line, {download * 400 / 60:.0f} at 20 "
        "Mbit/s. What has arrived is kept: after an interruption run the same command again.",
        flush=True,
    )
    started = time.monotonic()
    make_venv(venv, again=found.get("python") not in (None, wanted["python"]))
    (venv / "installed.json").unlink(missing_ok=True)
    uv = bootstrap(venv, (ROOT / f"tools/locks/{lock}.txt").read_text(encoding="utf-8"))
    for arguments in steps(lock, torch, venv):
        run([str(uv), "pip", *arguments], venv)
    kept = {name: digest(name) for name in {"dev", lock}}  # each other lock holds all of dev
    (venv / "installed.json").write_text(json.dumps({**wanted, **kept}) + "\n", encoding="utf-8")
    print(f"Installed in {time.monotonic() - started:.0f} s.", flush=True)


def stamp(lock: str, torch: str) -> "dict[str, str]":
    """Return what an environment must rest on to be up to date."""
    python = ".".join(map(str, sys.version_info[:2]))
    return {"python": python, "torch": torch, "metadata": digest("setup.cfg"), lock: digest(lock)}


def digest(name: str) -> str:
    """Return the SHA-256 of a lock, or of a file of the project."""
    path = ROOT / (f"tools/locks/{name}.txt" if name in LOCKS else name)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_stamp(venv: Path) -> "dict[str, str]":
    """Return what the environment rests on; nothing where it is not complete."""
    path = venv / "installed.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def required_python() -> "tuple[tuple[int, int], tuple[int, int]]":
    """Return the least Python, and the first that was not tried, as setup.cfg has them."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    bounds = re.findall(r"(\d+)\.(\d+)", settings["options"]["python_requires"])
    least, beyond = ((int(major), int(minor)) for major, minor in bounds)
    return least, beyond


def check_python(
    here: "tuple[int, int]", bounds: "tuple[tuple[int, int], tuple[int, int]]"
) -> None:
    """Refuse a Python outside the bounds.

    Raises:
        InstallError: It is.
    """
    least, beyond = bounds
    if not least <= here < beyond:
        last = f"{beyond[0]}.{beyond[1] - 1}"
        raise InstallError(
            f"This is Python {here[0]}.{here[1]}; emolit runs on {least[0]}.{least[1]} to {last}. "
            f"Name one that you have: make install PYTHON=python{last}."
        )


def check_venv_module() -> None:
    """Refuse a Python that cannot make environments, as Debian's without python3-venv.

    Raises:
        InstallError: It cannot.
    """
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        raise InstallError(
            f"This Python has no module {error.name!r} and cannot make environments. On Debian and "
            f"Ubuntu: apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv."
        ) from error


def check_disk(venv: Path, torch: str, new: bool) -> None:
    """Refuse a disk that is too full for a new environment.

    Raises:
        InstallError: It is.
    """
    needed = GIGABYTES[torch][1] if new else 1.0
    free = shutil.disk_usage(venv.parent).free / 1e9
    if free < needed:
        raise InstallError(
            f"{venv.parent} has {free:.1f} GB free, and {needed:g} GB are needed. Make room, or "
            "take torch without CUDA (make install TORCH=cpu), which needs "
            f"{GIGABYTES['cpu'][1]:g} GB."
        )


def make_venv(venv: Path, again: bool) -> None:
    """Make the environment; anew where it is of another Python."""
    if again or not (scripts(venv) / python_name()).exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)


def scripts(venv: Path) -> Path:
    """Return the folder of an environment's commands."""
    return venv / ("Scripts" if os.name == "nt" else "bin")


def python_name() -> str:
    """Return what the interpreter of an environment is called."""
    return "python.exe" if os.name == "nt" else "python"


def bootstrap(venv: Path, lock: str) -> Path:
    """Install uv as the lock has it, by the pip that Python brings; return its path."""
    pinned = venv / "uv.txt"
    pinned.write_text(next(block for block in blocks(lock) if named(block) == "uv"))
    python = scripts(venv) / python_name()
    if subprocess.run([str(python), "-c", "import uv"], capture_output=True).returncode:
        pip = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        run([*pip, "-r", str(pinned)], venv)
    return scripts(venv) / "uv"


def steps(lock: str, torch: str, venv: Path) -> "list[list[str]]":
    """Return uv's arguments: the lock and nothing else, torch without CUDA if wanted, emolit."""
    file = ROOT / f"tools/locks/{lock}.txt"
    own = ["install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    if torch == "cuda":
        return [["sync", "--require-hashes", str(file)], own]
    kept, left = divide(file.read_text(encoding="utf-8"))
    (venv / "lock.txt").write_text(kept, encoding="utf-8")
    pins = [block.split(" ")[0] for block in left if named(block) in ("torch", "torchaudio")]
    alone = ["install", "--no-deps", "--torch-backend", "cpu", *pins]
    return [["sync", "--require-hashes", str(venv / "lock.txt")], alone, own]


def divide(lock: str) -> "tuple[str, list[str]]":
    """Return a lock without torch and its CUDA libraries, and what was left out."""
    left = [block for block in blocks(lock) if CUDA.fullmatch(named(block))]
    kept = [block for block in blocks(lock) if block not in left]
    return "".join(kept), left


def blocks(lock: str) -> "list[str]":
    """Return the requirements of a lock, each with its hashes."""
    return re.findall(r"^[A-Za-z0-9].*(?:\n[ \t].*)*\n", lock, flags=re.MULTILINE)


def named(block: str) -> str:
    """Return the package that a requirement is of."""
    return re.split(r"[=\[ ]", block, maxsplit=1)[0]


def run(command: "list[str]", venv: Path) -> None:
    """Run a command that downloads; again if the line breaks.

    Raises:
        InstallError: It broke each time.
    """
    settings = {"UV_HTTP_TIMEOUT": "300", **os.environ, "VIRTUAL_ENV": str(venv)}
    for attempt in range(1, TRIES + 1):
        if subprocess.run(command, env=settings, check=False).returncode == 0:
            return
        if attempt < TRIES:
            print(f"That broke off; what has arrived is kept. Try {attempt + 1} of {TRIES}.")
            time.sleep(2)
    raise InstallError(
        f"{Path(command[0]).name} failed {TRIES} times; its own words stand above. Without a line, "
        "fill a folder with the wheels of the lock elsewhere, and set UV_FIND_LINKS=FOLDER "
        "UV_OFFLINE=1 PIP_FIND_LINKS=FOLDER PIP_NO_INDEX=1. UV_DEFAULT_INDEX names a mirror."
    )


if __name__ == "__main__":
    main()
