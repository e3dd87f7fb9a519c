"""Two processes and one folder: the second is told who holds it; a kill leaves no lock."""

import os
import signal
import subprocess
import sys

import pytest

from emolit.files.folder_lock import NAME, hold, release
from tests.fakes.holding import hold_elsewhere


@pytest.fixture
def other(tmp_path):
    with hold_elsewhere(tmp_path / "run", NAME) as process:
        yield process
    release(tmp_path / "run")


def test_a_second_process_is_told_who_holds_the_folder(other, tmp_path):
    assert hold(tmp_path / "run").startswith(f"process {other.pid} on ")
    other.stdin.write("\n")
    other.stdin.flush()
    assert other.stdout.readline() == "released\n"
    assert not (tmp_path / "run" / NAME).exists()
    assert hold(tmp_path / "run") is None


def test_a_killed_process_holds_nothing(other, tmp_path):
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    assert (tmp_path / "run" / NAME).exists()
    assert hold(tmp_path / "run") is None
    assert str(os.getpid()) in (tmp_path / "run" / NAME).read_text()


def test_a_process_may_hold_twice_what_it_holds_and_several_folders(tmp_path):
    for folder in (tmp_path / "a", tmp_path / "b", tmp_path / "a"):
        assert hold(folder) is None
    for folder in (tmp_path / "a", tmp_path / "a", tmp_path / "b"):
        release(folder)
        assert not (folder / NAME).exists()


def test_a_child_does_not_keep_what_its_parent_held(tmp_path):
    """Workers that load data outlive a run that was killed by some seconds."""
    script = (
        "import os, sys, time; from pathlib import Path; from emolit.files.folder_lock import hold;"
        "hold(Path(sys.argv[1])); child = os.fork(); child or print('held', flush=True);"
        "time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout.readline() == "held\n"
        assert hold(tmp_path) is not None
        process.kill()
        process.wait()
        assert hold(tmp_path) is None
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        release(tmp_path)
