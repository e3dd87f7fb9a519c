"""Old names of YAML are refused with the new ones."""

import importlib

import pytest

from emolit.commands.renamed import MODULES, new_class, new_option
from tests.command import emolit


@pytest.mark.parametrize("module", MODULES.values())
def test_every_new_place_is_there(module):
    importlib.import_module(f"emolit.{module}")


@pytest.mark.parametrize(
    ("words", "now"),
    [
        (["--prompt.asking.transcript", "known"], "prompt.variation.transcript"),
        (["--prompt.thoughts", "file.jsonl"], "prompt.rationales"),
        (["--data.loading", "emolit.loading.Loading"], "emolit.data.dataset.LoaderSettings"),
        (["--model.objective.kl", "emolit.kl.AdaptiveKL"], "emolit.rl.kl.AdaptiveKL"),
    ],
)
def test_an_old_name_is_refused_with_the_new_one(words, now, capsys):
    with pytest.raises(SystemExit):
        emolit("fit", "--config", "demo/grpo", *words, "--print_config")
    assert now.rpartition(".")[2] in capsys.readouterr().err


def test_what_was_not_renamed_has_no_new_name():
    assert new_class("Correct") is None
    assert new_class("emolit.rewards.correct.Correct") is None
    assert new_option("model.rewards") is None


def test_a_wrong_value_that_looks_like_an_old_argument_is_no_old_class(capsys):
    with pytest.raises(SystemExit):
        emolit("fit", "--config", "demo/grpo", "--prompt", "whole", "--print_config")
    assert "any more" not in capsys.readouterr().err
