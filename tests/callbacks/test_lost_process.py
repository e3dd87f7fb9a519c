"""Processes that end or stand still are found, and what torch says of them becomes a sentence.

Real runs that lose a worker or a rank stand in tests/test_data_faults.py and test_rank_faults.py.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from torch import distributed
from torch.utils.data import DataLoader, Dataset

from emolit.callbacks.lost_process import LostProcess, lost, whereabouts
from tests.callbacks.tiny import Loader, Told, batch_of, trainer


class Deadly(Dataset[int]):
    """Its process ends, by itself or by a signal."""

    def __init__(self, how: int) -> None:
        self.how = how

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> int:
        os.kill(os.getpid(), self.how) if self.how else os._exit(3)
        return index


@pytest.mark.parametrize(
    ("how", "said"),
    [(signal.SIGKILL, r"(was ended by a signal \(Killed\)|has ended)"), (0, "has ended")],
)
def test_what_torch_says_of_a_dead_worker_is_understood(how, said):
    with pytest.raises(RuntimeError, match="DataLoader worker") as caught:
        list(DataLoader(Deadly(how), num_workers=1))
    sentence = lost(caught.value)
    assert sentence is not None
    assert re.search(rf"^Process \d+, which decodes audio for the run, {said}\.", sentence)
    assert "Lower `loading.num_workers`" in sentence


def test_what_torch_says_of_a_rank_that_never_comes_is_understood():
    with pytest.raises(distributed.DistStoreError) as caught:
        distributed.TCPStore("127.0.0.1", 0, 2, True, timeout=timedelta(seconds=1))
    assert "Another rank of the run has ended, or did not answer in time" in str(lost(caught.value))


@pytest.mark.parametrize(
    "error", [RuntimeError("size mismatch"), ValueError("gloo: timed out"), KeyError("NCCL")]
)
def test_other_errors_are_none_of_its_business(error):
    assert lost(error) is None


def wait_until(found):
    end = time.monotonic() + 20
    while not found() and time.monotonic() < end:
        time.sleep(0.05)
    assert found()


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the state of a process")
def test_a_process_runs_stands_still_or_is_gone():
    host = socket.gethostname()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert whereabouts(host, other.pid) == f"process {other.pid} on {host}) is running"
        other.send_signal(signal.SIGSTOP)
        wait_until(lambda: whereabouts(host, other.pid).endswith(") is stopped"))
        other.kill()
        wait_until(lambda: whereabouts(host, other.pid).endswith(") has ended"))  # a zombie
    assert whereabouts(host, other.pid).endswith(") has ended")


@pytest.mark.filterwarnings("ignore:You defined a `validation_step`")  # not needed here
def test_a_run_of_one_process_names_nobody(tmp_path):
    class Breaking(Told):
        def training_step(self, batch, batch_idx):
            raise RuntimeError("gloo: connection closed by peer")

    with pytest.raises(RuntimeError, match="gloo") as caught:
        trainer(tmp_path, LostProcess()).fit(Breaking({}), Loader(batch_of()))
    assert not hasattr(caught.value, "__notes__")
