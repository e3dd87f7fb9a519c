"""The command: late imports, shelves by short name, links."""

import subprocess
import sys

import pytest
import yaml

from tests.command import emolit


def test_emolit_itself_imports_neither_transformers_nor_peft_early():
    code = (
        "import sys, torchmetrics; before = set(sys.modules); import emolit.cli as cli; "
        "cli.discover(); new = set(sys.modules) - before; "
        "print(sorted(name for name in new if name.split('.')[0] in {'transformers', 'peft'}))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_prompt_is_linked_to_both_sides_and_written_once(capsys):
    with pytest.raises(SystemExit):
        emolit("fit", "--config", "configs/experiments/demo/grpo.yaml", "--print_config")
    printed = yaml.safe_load(capsys.readouterr().out)
    assert printed["prompt"]["class_path"] == "emolit.prompts.direct.Direct"
    assert "prompt" not in printed["model"]["init_args"]
    assert "prompt" not in printed["data"]["init_args"]


def test_an_abstract_task_is_refused(capsys):
    with pytest.raises(SystemExit):
        emolit("fit", "--config", "configs/experiments/demo/grpo.yaml", "--model", "Task")
    assert "abstract" in capsys.readouterr().err
