"""What the scripts for clusters call, told by programs that stand in for Python, vLLM and SLURM.

A run under a real torchrun that loses a process stands in tests/test_rank_faults.py.
"""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from emolit.files.replacing import backup_of

CLUSTER = Path(__file__).parents[2] / "tools" / "cluster"
AWAIT = '#!/bin/sh\nwhile [ "$SERVER" ] && ! grep -qs ^vllm "$TOLD"; do sleep 0.01; done\n'
TELL = '#!/bin/sh\necho "$(basename "$0")" "$@" GPU=$CUDA_VISIBLE_DEVICES >> "$TOLD"\n'


@pytest.fixture
def call(tmp_path):
    """Call a script and return what it called, a line a program."""
    told = tmp_path / "told"
    (tmp_path / "vllm").write_text(TELL)
    (tmp_path / "python").write_text(AWAIT + TELL)
    (tmp_path / "srun").write_text(TELL + 'shift 2; exec "$@"\n')
    (tmp_path / "scontrol").write_text('#!/bin/sh\nprintf "node7\\nnode8\\n"\n')
    for name in ("python", "vllm", "srun", "scontrol"):
        (tmp_path / name).chmod(0o755)

    def run(script, *words, **settings):
        path = f"{tmp_path}:{os.environ['PATH']}"
        environment = {"PATH": path, "TOLD": str(told), "HERE": str(CLUSTER), **settings}
        done = subprocess.run(
            ["bash", str(CLUSTER / script), *words],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        lines = told.read_text().splitlines() if told.exists() else []
        return done, [line.partition(" GPU=") for line in lines]

    return run


@pytest.mark.parametrize("kept", [Path("last.ckpt"), backup_of(Path("last.ckpt"))])
def test_a_process_starts_and_after_a_failure_goes_on(call, tmp_path, kept):
    """Also where a kill came between two renames."""
    settings = {"RUN": str(tmp_path / "run"), "LOCAL_WORLD_SIZE": "8", "NODES": "2"}
    call("run.sh", "--config", "mine.yaml", **settings)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / kept).touch()
    _, ((first, *_), (second, *_)) = call("run.sh", "--config", "mine.yaml", **settings)
    assert first == (
        f"python -m emolit fit --config mine.yaml --trainer.default_root_dir {tmp_path}/run "
        "--trainer.num_nodes 2 --trainer.devices 8"
    )
    assert second == f"{first} --ckpt_path last"


def test_a_machine_runs_a_process_a_gpu_under_one_meeting_place(call):
    _, ((line, *_),) = call("node.sh", "--config", "a", RUN="/runs/mine", NODES="4", HEAD="n0:1")
    words = line.split()
    assert words[:3] == ["python", "-m", "torch.distributed.run"]
    options = dict(zip(words[3:-4:2], words[4:-4:2], strict=True))
    assert options == {
        "--nnodes": "4",
        "--nproc-per-node": "8",
        "--max-restarts": "3",
        "--rdzv-backend": "c10d",
        "--rdzv-endpoint": "n0:1",
        "--rdzv-id": "mine",
    }
    assert words[-4:] == ["--no-python", str(CLUSTER / "run.sh"), "--config", "a"]


def test_a_server_has_the_last_gpu_to_itself(call):
    settings = {"RUN": "/runs/mine", "GPUS": "4", "SERVER": "some/model"}
    _, calls = call("node.sh", "--config", "a", **settings)
    server, trainer = calls
    assert server[0].startswith("vllm serve some/model ") and "--host 127.0.0.1" in server[0]
    assert server[2] == "3"
    assert "--nproc-per-node 3 " in trainer[0]


def test_a_server_has_the_last_of_those_gpus_that_are_visible(call):
    settings = {"RUN": "/runs/mine", "GPUS": "4", "SERVER": "some/model"}
    _, calls = call("node.sh", CUDA_VISIBLE_DEVICES="4,5,6,7", **settings)
    server, trainer = calls
    assert server[2] == "7"
    assert trainer[2] == "4,5,6,7" and "--nproc-per-node 3 " in trainer[0]  # 4, 5 and 6


@pytest.mark.parametrize("given", [{}, {"SERVER_HOST": "10.0.0.7"}])
def test_a_server_of_several_machines_listens_where_the_others_reach_it(call, given):
    settings = {"RUN": "/runs/mine", "NODES": "2", "HEAD": "n0:1", "SERVER": "some/model"}
    _, calls = call("node.sh", **settings, **given)
    host = given.get("SERVER_HOST", socket.gethostname())
    assert f" --host {host} " in calls[0][0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"GPUS": "0"}, "GPUS is '0'"),
        ({"GPUS": "x"}, "GPUS is 'x'"),
        ({"NODES": "two", "HEAD": "n0:1"}, "NODES is 'two'"),
        ({"NODES": "2"}, "NODES is 2 and HEAD is not set"),
        ({"GPUS": "1", "SERVER": "m"}, "none is left to train"),
        ({"SERVER": "m", "VLLM": "/nowhere/vllm"}, "VLLM is '/nowhere/vllm', which is no command"),
        ({"SERVER": "m", "CUDA_VISIBLE_DEVICES": "4,5"}, "CUDA_VISIBLE_DEVICES names 2"),
        ({"SERVER": "m", "CUDA_VISIBLE_DEVICES": ""}, "CUDA_VISIBLE_DEVICES names 0"),
    ],
)
def test_what_cannot_go_well_is_refused_before_anything_starts(call, given, said):
    done, calls = call("node.sh", "--config", "a", RUN="/runs/mine", **given)
    assert done.returncode == 2 and said in done.stderr
    assert "; set " in done.stderr  # the next step
    assert calls == []


def test_slurm_starts_a_task_on_each_machine_that_meets_at_the_first(call):
    settings = {"RUN": "/runs/mine", "SLURM_JOB_NUM_NODES": "2", "SLURM_JOB_NODELIST": "node[7-8]"}
    settings["SLURM_CPUS_PER_TASK"] = "12"
    done, calls = call("slurm.sh", "--config", "a", **settings)
    assert done.returncode == 0, done.stderr
    task = f"{CLUSTER}/node.sh --config a"
    assert calls[0][0] == f"srun --kill-on-bad-exit=1 --cpus-per-task=12 {task}"
    assert "--nnodes 2 " in calls[1][0] and "--rdzv-endpoint node7:29500 " in calls[1][0]


@pytest.mark.parametrize("script", ["run.sh", "node.sh"])
def test_a_run_without_a_folder_is_refused(call, script):
    done, calls = call(script, LOCAL_WORLD_SIZE="1")
    assert done.returncode != 0 and "set RUN to the folder of the run" in done.stderr
    assert calls == []
