"""The command: its own name, its version, and the word that chooses what runs."""

import subprocess
import sys
from pathlib import Path

import pytest

from emolit import __version__
from emolit.commands import COMMANDS, TRAINER
from tests.command import emolit


def test_the_version_is_told_under_the_name_of_the_command(capsys):
    emolit("--version")
    assert capsys.readouterr().out == f"emolit {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_subcommand_names_itself(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        emolit(name, "--help")
    assert stopped.value.code == 0
    assert capsys.readouterr().out.split()[:3] == ["usage:", "emolit", name]


def test_the_help_lists_all_subcommands_each_on_its_line(capsys):
    emolit("--help")
    starts = [line.split()[:1] for line in capsys.readouterr().out.splitlines()]
    assert all([name] in starts for name in (*TRAINER, *COMMANDS))


@pytest.mark.parametrize(("name", "said"), [("swep", "did you mean 'sweep'?"), ("", "name a")])
def test_a_word_that_is_no_subcommand_is_refused_with_the_nearest(name, said, capsys):
    with pytest.raises(SystemExit) as stopped:
        emolit(*[name] * bool(name))
    error = capsys.readouterr().err
    assert stopped.value.code == 2
    assert said in error and "There are: " in error


def test_commands_that_need_no_network_start_without_torch():
    code = "import sys, emolit.cli; from emolit.commands import doctor, table; "
    code += "print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_python_m_emolit_is_emolit(tmp_path):
    words = [sys.executable, "-m", "emolit", "--version"]
    found = subprocess.run(words, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert found.stdout == f"emolit {__version__}\n"
    script = Path(sys.executable).with_name("emolit")
    again = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert again.stdout == found.stdout
