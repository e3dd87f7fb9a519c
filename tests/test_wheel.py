"""The wheel alone, beside an empty folder: shipped configs, the demo's three steps shortened."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FIT = (
    *("--trainer.max_epochs", "-1", "--trainer.max_steps", "2"),
    *("--trainer.limit_val_batches", "1", "--trainer.val_check_interval", "1"),
    *("--trainer.enable_progress_bar", "false", "--data.init_args.loading.batch_size", "2"),
)
TEST = ("--trainer.limit_test_batches", "1", "--trainer.enable_progress_bar", "false")
START = "--model.init_args.policy.init_args.checkpoint"


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """Build the wheel and unpack it where nothing else is."""
    place = tmp_path_factory.mktemp("wheel")
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert uv is not None, "run `make install`: the lock brings uv"
    build = [uv, "build", "--quiet", "--offline", "--wheel", "--no-build-isolation"]
    subprocess.run([*build, "--python", sys.executable, "--out-dir", place, ROOT], check=True)
    (wheel,) = place.glob("*.whl")
    shutil.unpack_archive(wheel, place / "site", "zip")
    return place / "site"


@pytest.fixture
def run(installed, tmp_path):
    """Run ``emolit`` out of the wheel in an empty folder."""

    def run(*words: object) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "emolit", *map(str, words)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(installed)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_the_wheel_holds_what_the_repository_ships(installed):
    inside, outside = installed / "emolit" / "configs", ROOT / "configs"
    names = {path.relative_to(outside) for path in outside.rglob("*.yaml")}
    assert names == {path.relative_to(inside) for path in inside.rglob("*.yaml")}
    assert (installed / "emolit" / "assets" / "unibench.tsv").is_file()
    assert not list(installed.glob("tests")) and not list(installed.glob("tools"))


def test_the_demo_runs_from_the_wheel_in_an_empty_folder(run, tmp_path):
    run("fit", "--config", "demo/sft", *FIT)
    run("fit", "--config", "demo/grpo", *FIT, START, "runs/demo/sft/best")
    folder = ("--trainer.default_root_dir", "runs/demo/grpo")
    run("test", "--config", "demo/test", *TEST, *folder, START, "runs/demo/grpo/best")
    assert (tmp_path / "runs" / "demo" / "grpo" / "test" / "scores.json").is_file()
    assert "--trainer.default_root_dir runs/sweeps/demo" in run("sweep", "demo", "--dry-run")
