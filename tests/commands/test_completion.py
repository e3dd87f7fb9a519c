"""Completions, asked for in a real bash."""

import shutil
import subprocess

import pytest

from emolit.commands import COMMANDS
from emolit.commands.completion import main


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    path = tmp_path_factory.mktemp("completion") / "emolit.bash"
    with pytest.MonkeyPatch.context() as patch, path.open("w") as file:
        patch.setattr("sys.stdout", file)
        assert main(["bash"]) == 0
    return path


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["sw"], {"sweep"}),
        (["fit", "--config", "demo/s"], {"demo/sft"}),
        (["fit", "-c", "demo/g"], {"demo/grpo"}),
        (["sweep", "demo_"], {"demo_learning", "demo_rates", "demo_rft"}),
        (["explain", "WellF"], {"WellFormed"}),
        (["fit", "--over"], {"--overwrite"}),
    ],
)
def test_bash_completes(script, words, expected):
    quoted = " ".join(f"'{word}'" for word in ["emolit", *words])
    line = f"source {script}; COMP_WORDS=({quoted}); COMP_CWORD={len(words)}; _emolit; "
    line += "printf '%s\\n' \"${COMPREPLY[@]}\""
    told = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    assert set(told.stdout.split()) == expected


def test_zsh_gets_the_same_after_its_own_start(capsys):
    assert main(["zsh"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("autoload -U +X bashcompinit")
    assert all(name in out for name in COMMANDS)
