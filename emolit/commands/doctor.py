"""Is this machine ready? One line a check: what was found, or what is missing and what to do.

    emolit doctor                # the folder `data` below this one
    emolit doctor --root /corpora --runs /scratch/runs

The exit status is 1 if something is missing without which emolit does not run.
"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

OK, NOTE, MISSING = "ok", "note", "MISSING"
LEAST_MEMORY, LEAST_DISK = 4.0, 5.0
"""Gigabytes: what the demo takes, and room for a run of it beside a cache."""


class Finding(NamedTuple):
    """One line: how it is, and a sentence."""

    state: str
    text: str


def main(arguments: list[str]) -> int:
    """Run every check, print its findings, and return 1 if something is missing."""
    parser = argparse.ArgumentParser(
        prog="emolit doctor", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--root", type=Path, default=Path("data"), help="parent of all corpora")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where runs are written")
    given = parser.parse_args(arguments)
    checks: list[Callable[[], Iterator[Finding]]] = [
        check_python, check_libraries, check_torch, check_gpu, check_audio, check_memory,
        lambda: check_folder("runs", given.runs), check_cache,
        lambda: check_folder("temporary files", Path(tempfile.gettempdir())),
        lambda: check_corpora(given.root),
    ]  # fmt: skip
    missing = False
    for check in checks:
        for finding in check():
            missing |= finding.state == MISSING
            sys.stdout.write(f"{finding.state:<8}{finding.text}\n")
            sys.stdout.flush()
    return 1 if missing else 0


def check_python() -> Iterator[Finding]:
    """Look at the interpreter and the machine."""
    here = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if sys.version_info < (3, 11):  # noqa: UP036  # it is asked before anything is installed
        yield Finding(
            MISSING, f"{here}; emolit needs 3.11 or newer: make install PYTHON=python3.12"
        )
        return
    yield Finding(OK, f"{here}, {cores} cores")


def check_libraries() -> Iterator[Finding]:
    """Compare what is installed with what emolit's own metadata asks for."""
    try:
        wanted = metadata.requires("emolit") or []
        parsed = importlib.import_module("packaging.requirements").Requirement
    except ModuleNotFoundError as error:
        if not isinstance(error, metadata.PackageNotFoundError):
            yield Finding(MISSING, f"{error.name} is not installed; run `make install`")
            return
        yield Finding(MISSING, "emolit is not installed in this environment; run `make install`")
        return
    good = []
    for requirement in map(parsed, wanted):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield Finding(MISSING, f"{requirement.name} is not installed; run `make install`")
            continue
        if requirement.specifier.contains(found, prereleases=True):
            good.append(f"{requirement.name} {found}")
        else:
            yield Finding(
                NOTE,
                f"{requirement.name} {found} was never run with this emolit, which was tested with "
                f"{requirement.specifier}; run `make install` if something breaks",
            )
    yield Finding(OK, f"libraries: {', '.join(good)}")


def check_torch() -> Iterator[Finding]:
    """Import torch and torchaudio, whose builds must fit each other."""
    try:
        torch = importlib.import_module("torch")
    except ImportError as error:
        yield Finding(MISSING, f"torch does not import ({error}); run `make install`")
        return
    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "no CUDA"
    yield Finding(OK, f"torch {torch.__version__} ({build}), {torch.get_num_threads()} threads")
    try:
        importlib.import_module("torchaudio")
    except (ImportError, OSError, RuntimeError) as error:
        first = str(error).splitlines()[0]
        yield Finding(
            MISSING,
            f"torchaudio does not import beside this torch ({first}); both must be of one build: "
            "run `make install`, or `make install TORCH=cpu`",
        )


def check_gpu() -> Iterator[Finding]:
    """Look for GPUs, and for a driver that torch cannot use."""
    try:
        torch = importlib.import_module("torch")
    except ImportError:
        return
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            card = torch.cuda.get_device_properties(index)
            bfloat16 = "with" if torch.cuda.is_bf16_supported() else "without"
            yield Finding(
                OK,
                f"GPU {index}: {card.name}, {card.total_memory / 1e9:.0f} GB, {bfloat16} bfloat16",
            )
        return
    driver = driver_version()
    if driver is None:
        yield Finding(NOTE, "no GPU: everything runs on the CPU; take `configs/trainers/cpu.yaml`")
    elif torch.version.cuda is None:
        yield Finding(NOTE, f"a GPU with driver {driver}, but torch is built without CUDA")
    else:
        yield Finding(
            NOTE,
            f"a GPU with driver {driver}, which torch's CUDA {torch.version.cuda} cannot use; "
            "install a newer driver",
        )


def driver_version() -> str | None:
    """Return the version of NVIDIA's driver, None where there is no card."""
    if shutil.which("nvidia-smi") is None:
        return None
    ask = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    told = subprocess.run(ask, capture_output=True, text=True, check=False)
    return told.stdout.splitlines()[0].strip() if told.returncode == 0 and told.stdout else None


def check_audio() -> Iterator[Finding]:
    """Look at the libraries that decode audio and video."""
    try:
        soundfile = importlib.import_module("soundfile")
    except (ImportError, OSError) as error:
        yield Finding(MISSING, f"soundfile does not import ({error}); run `make install`")
        return
    formats = soundfile.available_formats()
    lacking = [name for name in ("WAV", "FLAC", "OGG", "MP3") if name not in formats]
    yield Finding(
        NOTE if lacking else OK,
        f"audio: soundfile {soundfile.__version__}, {soundfile.__libsndfile_version__}"
        + (f", which does not read {', '.join(lacking)}" if lacking else ""),
    )
    try:
        av = importlib.import_module("av")
    except (ImportError, OSError):
        yield Finding(
            NOTE, "video: PyAV is not there; mp4 and avi need `pip install 'emolit[video]'`"
        )
        return
    yield Finding(OK, f"video: PyAV {av.__version__}")


def check_memory() -> Iterator[Finding]:
    """Look at the memory of the machine."""
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" not in names:
        yield Finding(NOTE, "memory: this system does not tell")
        return
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    small = whole < LEAST_MEMORY
    text = f"memory: {whole:.1f} GB"
    yield Finding(
        NOTE if small else OK,
        f"{text}, less than the {LEAST_MEMORY:g} of the demo" if small else text,
    )


def check_folder(use: str, folder: Path) -> Iterator[Finding]:
    """Write into a folder, or into the parent that it would be made in; look at the room there."""
    there = folder.absolute()
    while not there.is_dir() and there != there.parent:
        there = there.parent
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"emolit")
    except OSError as error:
        yield Finding(
            NOTE if use == "cache" else MISSING,
            f"{use}: {folder} cannot be written ({error.strerror}); {REMEDIES[use]}",
        )
        return
    free = shutil.disk_usage(there).free / 1e9
    small = free < LEAST_DISK
    text = f"{use}: {folder} can be written, {free:.1f} GB free"
    yield Finding(NOTE if small else OK, f"{text}, which is little" if small else text)


REMEDIES = {
    "runs": "set `--trainer.default_root_dir`",
    "cache": "set EMOLIT_CACHE, or every start checks all audio again",
    "temporary files": "set TMPDIR; a checkpoint passes through it",
}


def check_cache() -> Iterator[Finding]:
    """Write where durations are kept between runs."""
    try:
        inspection = importlib.import_module("emolit.data.audio_check")
    except ImportError:  # what it lacks has been said
        return
    yield from check_folder("cache", inspection.cache_folder())


def check_corpora(root: Path) -> Iterator[Finding]:
    """Say which corpora of the shelf have a folder below the root."""
    if not root.is_dir():
        yield Finding(
            NOTE, f"corpora: there is no folder {root}; the demo makes one, or set --root"
        )
        return
    try:
        shelf = importlib.import_module("emolit.corpora")
        for module in pkgutil.iter_modules(shelf.__path__):
            importlib.import_module(f"emolit.corpora.{module.name}")
    except ImportError as error:
        yield Finding(NOTE, f"corpora: not looked for, since {error.name} is not installed")
        return
    found = sorted(
        kind.__name__
        for kind in subclasses(shelf.Corpus)
        if (folder := getattr(kind, "folder", "") or getattr(kind, "name", ""))
        and isinstance(folder, str)
        and (root / folder).is_dir()
    )
    yield Finding(OK if found else NOTE, f"corpora in {root}: {', '.join(found) or 'none'}")


def subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    """Yield all classes below one."""
    children: list[type[Any]] = kind.__subclasses__()
    for child in children:
        yield child
        yield from subclasses(child)


if __name__ == "__main__":  # where emolit is not installed yet
    sys.exit(main(sys.argv[1:]))
