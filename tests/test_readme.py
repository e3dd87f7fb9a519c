"""The commands of README and docs exist: their options parse, their targets and files stand."""

import argparse
import re
import shlex
from importlib.util import find_spec
from itertools import dropwhile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from emolit.cli import COMMANDS as OTHERS
from emolit.cli import asks_checkpoint
from emolit.commands.parsing import Parser
from emolit.commands.shipped import find
from tests.command import emolit
from tests.fakes.checkpoint import write_checkpoint

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def commands():
    for page in PAGES:
        for block in BLOCK.findall(page.read_text()):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                words = [*dropwhile(re.compile("[A-Z_]+=").match, words)]  # of the environment
                if words:
                    yield pytest.param(words, id=f"{page.name}: {' '.join(words)[:60]}")


COMMANDS = list(commands())
PROGRAMS = {"tensorboard", "git", "cd", "pip", "mkdir", "cp", "vllm", "sbatch", "lmms-eval"}
"""Of others."""


def test_there_are_commands_to_check():
    assert len(COMMANDS) > 8


@pytest.mark.parametrize("words", COMMANDS)
def test_the_command_exists(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    piped = "|" in words and words[words.index("|") + 1] == "emolit"
    words = words[words.index("|") + 1 :] if piped else words
    if words[0] == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert set(words[1:]) <= {*targets, *(word for word in words[1:] if "=" in word)}
    elif words[:3] == ["emolit", "describe", "--guess"]:
        (tmp_path / words[3]).write_text("wav,emo\na.wav,angry\n")
        monkeypatch.chdir(tmp_path)
        with pytest.raises(SystemExit) as stopped:
            emolit(*words[1:])
        assert stopped.value.code == 0
    elif words[0] == "emolit" and (words[1] in OTHERS or asks_checkpoint(words[2:])):
        check_other(words[1], words[2:], monkeypatch)
    elif words[0] == "emolit":
        check_emolit(words[1:], tmp_path, capsys)
    elif words[:3] == ["python", "-m", "emolit"]:
        check_emolit(words[3:], tmp_path, capsys)
    elif Path(words[0]).name == "python" and words[1] == "-m":
        assert find_spec(words[2]) is not None
    elif words[0] == "python":
        assert (ROOT / words[1]).is_file()
    else:
        assert words[0] in PROGRAMS or (ROOT / words[0]).is_file()


PYTHON = [
    pytest.param(block, id=f"{page.name}: {number}")
    for page in (ROOT / "README.md", ROOT / "docs/predict.md")
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
]


@pytest.mark.parametrize("block", PYTHON)
def test_the_example_in_python_runs(block, tmp_path, monkeypatch, nano_folder, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs/demo/grpo").mkdir(parents=True)
    write_checkpoint(tmp_path / "runs/demo/grpo/best", nano_folder)
    for name in ("take1.wav", "take2.wav"):
        soundfile.write(name, 0.1 * np.random.default_rng(0).normal(size=9_000), 16_000)
    exec(compile(block, "page", "exec"), {})
    assert capsys.readouterr().out


def check_emolit(words, tmp_path, capsys):
    """Parse everything, without running it; placeholders in capitals stand for files."""
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("trainer: {max_steps: 1}\n")
    names = {
        "brevity.yaml": overlay,
        "EXPERIMENT.yaml": "configs/experiments/demo/grpo.yaml",
        "OVERLAY.yaml": overlay,
        "own.yaml": overlay,
        "rewards.yaml": overlay,
        "mypackage.Brevity": "emolit.rewards.correct.Correct",
    }
    words = [names.get(word, word) for word in words]
    words = words[: words.index(">")] if ">" in words else words
    if "--print_config" not in words:
        words = [*words, "--print_config"]
    with pytest.raises(SystemExit) as stopped:
        emolit(*words)
    assert stopped.value.code == 0
    assert "class_path" in capsys.readouterr().out


def check_other(name, words, monkeypatch):
    """Parse the options of a subcommand that is not Lightning's, and stop; its configs stand."""
    parser = (
        Parser if name in {"describe", "listen", "predict", "reason"} else argparse.ArgumentParser
    )
    parse = parser.parse_args

    def parse_and_stop(self, *given, **options):
        parse(self, *given, **options)
        raise SystemExit(0)

    monkeypatch.setattr(parser, "parse_args", parse_and_stop)
    with pytest.raises(SystemExit) as stopped:
        emolit(name, *words)
    assert stopped.value.code == 0
    sweeps = {"sweep": words[:1], "results": words[1:]}.get(name, [])
    assert all(Path(find(word, "sweeps")).is_file() for word in sweeps)
    if name == "cross":
        assert Path(find(words[words.index("--config") + 1])).is_file()
