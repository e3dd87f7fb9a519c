"""Dockerfile and .dockerignore are read: no container engine runs here that could build them."""

import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tools import install

ROOT = Path(__file__).parents[1]
LINES = [
    line
    for line in (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    if line and not line.startswith("#")
]
STEPS = [tuple(line.split(maxsplit=1)) for line in LINES]
IGNORED = [
    line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"
]


def copies():
    for word, rest in STEPS:
        if word == "COPY":
            *sources, target = rest.split()
            yield from ((source, target) for source in sources)


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    """What the COPY lines bring, and nothing else."""
    folder = tmp_path_factory.mktemp("context")
    skip = shutil.ignore_patterns("__pycache__")
    for source, target in copies():
        goal = folder / (source if target == "./" else target)
        goal.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, goal, symlinks=True, ignore=skip)
        else:
            shutil.copy(ROOT / source, goal)
    return folder


def test_what_is_copied_is_there_and_reaches_the_builder():
    sources = [source for source, _ in copies()]
    assert all((ROOT / source).exists() for source in sources)
    assert IGNORED[0] == "*"
    let_through = [line[1:] for line in IGNORED if line[0] == "!"]
    assert sorted(sources) == sorted(let_through)
    assert not any(fnmatch(name, "*.env") or name.startswith(".git") for name in let_through)


def test_the_packages_are_those_of_make_install():
    runs = [rest for word, rest in STEPS if word == "RUN"]
    [command] = re.findall(r"python3 (tools/install\.py .*)", " ".join(runs))
    assert command.split()[:2] == ["tools/install.py", "dev"]
    assert '--torch "${TORCH}"' in command
    made = (ROOT / "Makefile").read_text()
    assert "tools/install.py dev --torch $(TORCH) --venv $(VENV)" in made
    assert "pip install" not in " ".join(runs), "the lock and nothing else"


@pytest.mark.parametrize("torch", ["cpu", "cuda"])
def test_each_step_of_the_installer_finds_its_files(context, torch, tmp_path):
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, 'tools'); import install; "
        f"print(install.required_python(), install.stamp('dev', {torch!r})['dev']); "
        f"print(install.steps('dev', {torch!r}, Path({str(tmp_path)!r}))[-1][-1])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=context, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    assert install.digest("dev") in ended.stdout
    assert str(context) in ended.stdout


def test_what_is_copied_is_a_whole_package(context):
    assert (context / "emolit/configs/experiments/demo/grpo.yaml").is_file()
    metadata = (context / "setup.cfg").read_text()
    for name in re.findall(r"(?:file: |license_files = )(\S+)", metadata):
        assert (context / name).is_file()


def test_it_runs_emolit_and_not_as_root():
    given = dict(STEPS)
    assert dict(step for step in STEPS if step[0] == "ARG" and "BASE" in step[1]) == {
        "ARG": "BASE=python:3.11-slim"
    }
    assert given["FROM"] == "${BASE}"
    assert given["USER"] == "10001"
    assert "--uid 10001 emolit" in " ".join(rest for word, rest in STEPS if word == "RUN")
    assert given["ENTRYPOINT"] == '["emolit"]'
    assert given["ENV"] == "PATH=/opt/emolit/venv/bin:$PATH"
