"""Two ranks that train together over gloo, of which one dies, stands still, or breaks."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from emolit.callbacks.lost_process import state_of
from tests.fakes.tones import write_experiment
from tests.forked import Ranks, status

pytestmark = [pytest.mark.slow, pytest.mark.faults]

ROOT = Path(__file__).parents[1]
NODE = ROOT / "tools" / "cluster" / "node.sh"
HOST = socket.gethostname()
PATIENCE = 60
"""Seconds that a rank waits for another in these runs, at the start too."""
TWO = f"""devices: 2
  strategy:
    class_path: DDPStrategy
    init_args: {{process_group_backend: gloo, timeout: "0:00:{PATIENCE}"}}
"""


@pytest.fixture(scope="module")
def experiment(tmp_path_factory, nano_folder):
    """An epoch of 8 batches of 2 clips for each rank, a checkpoint after each step."""
    config = write_experiment(tmp_path_factory.mktemp("ranks"), nano_folder, speakers=6)
    text = config.read_text().replace("batch_size: 8", "batch_size: 2")
    text = text.replace("filename: last", "filename: last, every_n_train_steps: 1")
    text = text.replace(", tests.fakes.sounds.Sounds", "").replace("devices: 1\n", TWO)
    text = "\n".join(line for line in text.splitlines() if "RewardWatch" not in line)
    config.write_text(text)
    return config


def arguments(experiment, root, callback, **settings):
    words = ["fit", "--config", experiment, "--trainer.default_root_dir", root]
    words += ["--trainer.callbacks+", callback]
    for key, value in settings.items():
        words += [f"--trainer.callbacks.init_args.{key}", value]
    return words


@pytest.mark.parametrize("lost", [0, 1])
def test_a_rank_that_dies_ends_the_other_within_a_minute_with_a_sentence(
    experiment, tmp_path, lost
):
    fault = {"send": "SIGKILL", "rank": lost, "batch": 3}
    run = Ranks(tmp_path, *arguments(experiment, tmp_path, "tests.fakes.killer.RankFault", **fault))
    assert status(run.ranks[lost]) == -signal.SIGKILL
    died = time.monotonic()
    assert status(run.ranks[1 - lost]) == 1
    assert time.monotonic() - died < 60
    said = run.said(1 - lost)
    assert "error: Another rank of the run has ended, or did not answer in time" in said
    assert f"Rank {lost} (process {run.ranks[lost].pid} on {HOST}) has ended" in said
    assert re.search(r"Stopped in step [34]\. .*--ckpt_path last", said)
    assert "Traceback" not in said


@pytest.mark.parametrize("lost", [0, 1])
def test_a_rank_that_stands_still_ends_the_other_once_its_time_is_over(experiment, tmp_path, lost):
    fault = {"send": "SIGSTOP", "rank": lost, "batch": 3}
    run = Ranks(tmp_path, *arguments(experiment, tmp_path, "tests.fakes.killer.RankFault", **fault))
    try:
        assert status(run.ranks[1 - lost]) == 1
        assert run.ranks[lost].is_alive()
    finally:
        run.ranks[lost].kill()
    said = run.said(1 - lost)
    assert "error: Another rank of the run has ended, or did not answer in time" in said
    assert f"Rank {lost} (process {run.ranks[lost].pid} on {HOST}) is stopped" in said
    assert re.search(r"Stopped in step [34]\. .*--ckpt_path last", said)
    assert "Traceback" not in said


def test_of_two_ranks_the_one_that_breaks_keeps_its_step_and_the_command_repeats_it(
    experiment, tmp_path
):
    broken = {"what": "loss", "step": 2, "rank": 1}
    words = arguments(experiment, tmp_path / "run", "tests.fakes.broken.Breaker", **broken)
    run = Ranks(tmp_path, *words)
    assert [status(rank) for rank in run.ranks] == [1, 1]
    assert "error: The loss is nan on the clips" in run.said(1)
    assert f"Rank 1 (process {run.ranks[1].pid} on " in run.said(0)
    incident = tmp_path / "run" / "incident"
    assert not (incident / "rank0.json").exists()  # its numbers were in order
    kept = json.loads((incident / "rank1.json").read_text())
    assert (kept["step"], kept["rank"], len(kept["clips"])) == (2, 1, 2)
    assert f"To run it again: {kept['command']}" in run.said(1)
    again = Ranks(tmp_path / "again", *shlex.split(kept["command"])[1:])
    assert [status(rank) for rank in again.ranks] == [1, 1]
    repeated = json.loads((incident / "replay" / "incident" / "rank1.json").read_text())
    same = ("error", "step", "epoch", "batch", "rank", "clips")
    assert {name: repeated[name] for name in same} == {name: kept[name] for name in same}


def test_the_first_rank_ends_those_that_it_has_started(experiment, tmp_path):
    """Lightning starts the second rank; a stopped one would stay for ever."""
    fault = {"send": "SIGSTOP", "rank": 1, "batch": 3, "target": tmp_path / "stopped.txt"}
    words = arguments(experiment, tmp_path, "tests.fakes.killer.RankFault", **fault)
    words += ["--trainer.strategy.init_args.timeout", "0:05:00"]  # ranks import all anew
    command = [sys.executable, "-m", "emolit", *map(str, words)]
    quiet = os.environ | {"EMOLIT_TRACEBACK": ""}
    with (tmp_path / "log.txt").open("w") as log:  # no pipe, which the second one would hold
        ended = subprocess.run(command, stderr=log, env=quiet, check=False, timeout=1500)
    assert ended.returncode == 1
    process = int((tmp_path / "stopped.txt").read_text())
    end = time.monotonic() + 60
    while state_of(process) not in (None, "Z") and time.monotonic() < end:
        time.sleep(0.2)
    assert state_of(process) in (None, "Z")
    assert f"Rank 1 (process {process} on " in (tmp_path / "log.txt").read_text()


def test_torchrun_starts_all_again_and_they_go_on_from_the_last_checkpoint(experiment, tmp_path):
    """The real one, of two processes, as tools/cluster calls it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        head = f"127.0.0.1:{free.getsockname()[1]}"
    root, killed, log = tmp_path / "run", tmp_path / "killed.txt", tmp_path / "log.txt"
    fault = {"send": "SIGKILL", "rank": 1, "batch": 3, "target": killed}
    words = arguments(experiment, root, "tests.fakes.killer.RankFault", **fault)[1:]
    given = {"RUN": str(root), "GPUS": "2", "HEAD": head, "PYTHON": sys.executable, "RESTARTS": "1"}
    with log.open("w") as file:
        ended = subprocess.run(
            ["bash", NODE, *map(str, words)],
            stdout=file,
            stderr=file,
            env=os.environ | given | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
            check=False,
            timeout=1500,
        )
    said = log.read_text()
    assert ended.returncode == 0, said
    assert killed.is_file()
    assert f"Restored all states from the checkpoint at {root}/last.ckpt" in said
    lines = (root / "rollouts.jsonl").read_text().splitlines()
    steps = [json.loads(line)["step"] for line in lines]
    assert steps == sorted([*range(1, 9)] * 2)  # two clips a step, each step once
