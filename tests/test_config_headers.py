"""The commands in the comments of configs parse, and mean what stands beside them."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from tests.command import emolit

ROOT = Path(__file__).parents[1]
EXPERIMENTS = sorted((ROOT / "configs" / "experiments").rglob("*.yaml"))
OPTION = re.compile(r"--[\w.+]+ (?:'[^']*'|\S+)")
PLACES = ("--data.init_args.root ", "--model.init_args.policy.init_args.checkpoint ")
"""Options that change where things lie; that they parse without others need not be asked again."""


def header(path):
    """Return the comments above the first setting."""
    lines = path.read_text().splitlines()
    end = next(place for place, line in enumerate(lines) if not line.startswith("#"))
    return [line[1:].strip() for line in lines[:end]]


def commands():
    """Every command of a header; options that stand behind words go to the file's own command."""
    for path in EXPERIMENTS:
        task = "test" if path.stem == "test" else "fit"
        for number, line in enumerate(header(path), start=1):
            if line.startswith("python "):
                continue
            options = [option.rstrip(".,;") for option in OPTION.findall(line)]
            if not line.startswith("emolit "):
                options = [f"--config {path.relative_to(ROOT)}", *options]
            if len([option for option in options if not option.startswith(PLACES)]) > 1:
                words = [task, *(word for option in options for word in shlex.split(option))]
                name = f"{path.relative_to(ROOT / 'configs/experiments')}:{number}"
                yield pytest.param(words, line, id=name)


COMMANDS = list(commands())


def printed(words, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as stopped:
        emolit(*words, "--print_config")
    told = capsys.readouterr()
    assert stopped.value.code == 0, told.err
    return yaml.safe_load(told.out)["model"]["init_args"]


def test_there_are_commands_to_check():
    assert len(COMMANDS) > 20


@pytest.mark.parametrize(("words", "line"), COMMANDS)
def test_the_command_of_a_header_parses_and_trains_what_it_says(words, line, monkeypatch, capsys):
    found = printed(words, monkeypatch, capsys)
    policy = found["policy"]["init_args"]
    rate = found["optimizer"]["init_args"]["lr"]
    if words[0] == "fit" and policy.get("lora") is not None:
        assert rate >= 1e-5, "a rate of all weights for adapters"
    if "adapters" in line and "without" not in line:
        assert policy["dtype"] == "bfloat16"
        assert 1e-5 <= rate <= 1e-4
    if re.search("all weights", line, re.IGNORECASE):
        assert policy["lora"] is None
        assert policy["dtype"] == "float32"
        assert rate <= 2e-5


@pytest.mark.parametrize("corpus", ["meld", "iemocap"])
def test_equal_weights_are_equal(corpus, monkeypatch, capsys):
    path = f"configs/experiments/emo_rl/{corpus}/grpo.yaml"
    rewards = printed(["fit", "--config", path], monkeypatch, capsys)["rewards"]
    assert [reward["init_args"]["weight"] for reward in rewards] == [1.0, 1.0]


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_full_finetuning_is_in_float32(path):
    """A line that says so has no adapters and no dtype of less."""
    text = path.read_text()
    if "full finetuning" in text:
        assert "dtype" not in text.partition("\nseed_everything")[2]
        assert "lora" not in text.partition("\nseed_everything")[2]
