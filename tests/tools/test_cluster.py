"""What the scripts for clusters call, told by programs that stand in for Python, vLLM and SLURM."""

import os
import subprocess
from pathlib import Path

import pytest

CLUSTER = Path(__file__).parents[2] / "tools" / "cluster"
TELL = '#!/bin/sh\necho "$(basename "$0")" "$@" GPU=$CUDA_VISIBLE_DEVICES >> "$TOLD"\n'


@pytest.fixture
def call(tmp_path):
    """Call a script and return what it called, a line a program."""
    told = tmp_path / "told"
    for name in ("python", "vllm"):
        (tmp_path / name).write_text(TELL)
    (tmp_path / "srun").write_text(TELL + 'shift; exec "$@"\n')
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
        )
        lines = told.read_text().splitlines() if told.exists() else []
        return done, [line.partition(" GPU=") for line in lines]

    return run


def test_a_process_starts_and_after_a_failure_goes_on(call, tmp_path):
    settings = {"RUN": str(tmp_path / "run"), "LOCAL_WORLD_SIZE": "8", "NODES": "2"}
    call("run.sh", "--config", "mine.yaml", **settings)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "last.ckpt").touch()
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
    server = next(line for line in calls if line[0].startswith("vllm"))
    trainer = next(line for line in calls if line[0].startswith("python"))
    assert server[0].startswith("vllm serve some/model ") and "--host 127.0.0.1" in server[0]
    assert server[2] == "3"
    assert "--nproc-per-node 3 " in trainer[0]


def test_slurm_starts_a_task_on_each_machine_that_meets_at_the_first(call):
    settings = {"RUN": "/runs/mine", "SLURM_JOB_NUM_NODES": "2", "SLURM_JOB_NODELIST": "node[7-8]"}
    done, calls = call("slurm.sh", "--config", "a", **settings)
    assert done.returncode == 0, done.stderr
    assert calls[0][0] == f"srun --kill-on-bad-exit=1 {CLUSTER}/node.sh --config a"
    assert "--nnodes 2 " in calls[1][0] and "--rdzv-endpoint node7:29500 " in calls[1][0]


@pytest.mark.parametrize("script", ["run.sh", "node.sh"])
def test_a_run_without_a_folder_is_refused(call, script):
    done, calls = call(script, LOCAL_WORLD_SIZE="1")
    assert done.returncode != 0 and "set RUN to the folder of the run" in done.stderr
    assert calls == []
