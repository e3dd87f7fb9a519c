"""Fixtures of the whole suite."""

import os
import re
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from packaging.requirements import Requirement
from tensorboard.summary.writer import event_file_writer

from emolit.policies.nano import NanoSize, write_nano
from emolit.prompts.direct import Direct
from emolit.types import Batch, Clip

LOCK = Path(__file__).parents[1] / "tools/locks/dev.txt"
SHARED = Path(__file__).parents[2] / "shared"

settings.register_profile("house", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    """Give each process one thread, and choose what warnings do.

    Workers with several threads each wait for one another, and what a test before has left could
    decide in which order sums are taken. Under the lock every warning is an error: it is the first
    sign of a release that breaks us. On other releases those of other libraries are only shown.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    if not is_locked(LOCK.read_text(encoding="utf-8")):
        config.addinivalue_line("filterwarnings", "default")


def is_locked(lock: str) -> bool:
    """Tell whether all that is installed of a lock is installed as the lock has it."""
    for line in re.findall(r"^[a-z0-9].*==.*", lock, flags=re.MULTILINE):
        pin = Requirement(line.removesuffix("\\"))
        if pin.marker is None or pin.marker.evaluate():
            try:
                if not pin.specifier.contains(version(pin.name), prereleases=True):
                    return False
            except PackageNotFoundError:
                continue
    return True


@pytest.fixture(scope="session", autouse=True)
def _order_of_event_files() -> None:
    """Let TensorBoard read what one process writes within one second in the order of writing.

    It reads files by name, which ends in the second, the process, and a counter; 10 is before 9.
    """
    event_file_writer._global_uid = event_file_writer.AtomicCounter(100_000)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real corpora, annotations and reference values, beside the checkout."""
    if not (SHARED / "README.md").is_file():
        pytest.skip(
            f"needs the shared data folder, which is not at {SHARED.name}/ beside the clone"
        )
    return SHARED


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep durations of tests out of the user's cache."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("EMOLIT_CACHE", str(folder))
    monkeypatch.setenv("EMOLIT_TRACEBACK", "1")
    monkeypatch.setenv("PL_GLOBAL_SEED", "0")  # restored, whatever seed a test sets
    return folder


@pytest.fixture(scope="session")
def nano_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a very small Qwen2-Audio with random weights."""
    size = NanoSize(seconds=1, mels=20, tower_width=16, tower_layers=1, width=16, layers=2, heads=2)
    return write_nano(tmp_path_factory.mktemp("nano"), size, seed=0)


OPTIONS = ("angry", "happy", "neutral", "sad")


@pytest.fixture(scope="session")
def batch() -> Batch:
    """Five clips of different lengths with questions of different lengths."""
    prompt = Direct()
    clips = tuple(
        Clip(id=f"clip{i}", corpus="toy", path=f"{i}.wav", label=OPTIONS[i % 4]) for i in range(5)
    )
    generator = torch.Generator().manual_seed(0)
    return Batch(
        clips=clips,
        questions=tuple(
            "Well? " * i + prompt.render(clip, OPTIONS) for i, clip in enumerate(clips)
        ),
        targets=tuple(prompt.target(clip) for clip in clips),
        options=OPTIONS,
        waveforms=tuple(
            0.1 * torch.randn(4_000 + 2_000 * i, generator=generator) for i in range(5)
        ),
        sampling_rate=16_000,
    )


def part(batch: Batch, rows: slice) -> Batch:
    """Return some rows of a batch."""
    return replace(
        batch,
        clips=batch.clips[rows],
        questions=batch.questions[rows],
        targets=batch.targets[rows],
        waveforms=batch.waveforms[rows],
    )
