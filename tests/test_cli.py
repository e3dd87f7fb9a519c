"""The command: late imports, shelves by short name, links."""

import subprocess
import sys

import pytest
import yaml

from emolit.errors import CorpusError
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


@pytest.mark.parametrize("wanted", [False, True])
def test_an_error_of_emolits_own_is_one_sentence_unless_a_traceback_is_asked_for(
    tmp_path, monkeypatch, wanted
):
    monkeypatch.setenv("EMOLIT_TRACEBACK", "1" if wanted else "")
    with pytest.raises(CorpusError if wanted else SystemExit, match="folder of the corpus 'urdu'"):
        emolit(
            *["validate", "--config", "configs/experiments/demo/test.yaml"],
            *["--data", "Urdu", "--data.root", tmp_path],
            *["--trainer.default_root_dir", tmp_path],
        )
