"""A process that fails at a checkpoint in parts is told with its rank and the next step."""

import errno
import subprocess
import sys

import pytest
import torch
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save

from emolit.commands.failed_parts import failed_parts

FULL_DISK = """
import resource, signal, sys
import torch
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.state_dict_saver import save
from emolit.commands.failed_parts import failed_parts
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    save({"a": torch.zeros(1_000_000)}, checkpoint_id=sys.argv[1], no_dist=True)
except CheckpointException as error:
    print(failed_parts(error))
"""
pytestmark = pytest.mark.filterwarnings("ignore:torch.distributed is disabled")


def test_parts_that_no_disk_takes_are_told_by_torch_itself(tmp_path):
    """torch closes its archive in a hurry and hides what the disk has said."""
    command = [sys.executable, "-W", "ignore", "-c", FULL_DISK, tmp_path / "last.ckpt"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.startswith("A checkpoint in parts failed at its step write: rank 0: RuntimeError")
    assert "The disk may be full." in said
    assert said.strip().endswith("`--ckpt_path last` goes on from there.")


def test_parts_that_are_gone_are_told_when_they_are_read(tmp_path):
    save({"a": torch.zeros(8)}, checkpoint_id=tmp_path, no_dist=True)
    for part in tmp_path.glob("*.distcp"):
        part.unlink()
    with pytest.raises(CheckpointException) as caught:
        load({"a": torch.zeros(8)}, checkpoint_id=tmp_path, no_dist=True)
    said = failed_parts(caught.value)
    assert said.startswith("A checkpoint in parts failed at its step read: rank 0: FileNotFound")
    assert said.endswith("name another one by `--ckpt_path`.")


def test_what_a_disk_has_refused_is_told_as_elsewhere():
    full = OSError(errno.ENOSPC, "No space left on device", "run/last.ckpt/__1_0.distcp")
    said = failed_parts(CheckpointException("write", {1: (full, None)}))
    assert said.startswith("run/last.ckpt/__1_0.distcp cannot be written: No space left")
    closed = OSError(errno.EACCES, "Permission denied", "run/last.ckpt/__1_0.distcp")
    said = failed_parts(CheckpointException("read", {1: (closed, None)}))
    assert "failed at its step read: rank 1: PermissionError" in said and "written" not in said


def test_other_errors_are_none_of_its_business():
    assert failed_parts(RuntimeError("read")) is None
