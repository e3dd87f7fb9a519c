"""Mistakes on the command line and in configs are told in one to three lines, with status 2."""
# ruff: noqa: E501, since a row is a mistake and what is said of it

import re
from pathlib import Path

import pytest
import yaml

from emolit.commands.parsing import configs_first
from emolit.errors import ConfigError
from tests.command import emolit

CONFIGS = Path(__file__).parents[2] / "configs"
GRPO = CONFIGS / "experiments" / "demo" / "grpo.yaml"
NOISE = ("NoneType", "NestedArg", "Namespace(", "usage:", "Union", "Subtypes", "tip:", "<class")


def refused(capsys, *arguments):
    """Return what is said of a command that is refused."""
    with pytest.raises(SystemExit) as stopped:
        emolit("fit", *arguments)
    said = capsys.readouterr().err
    assert stopped.value.code == 2, said
    assert said.startswith("error: ")
    assert len(said.splitlines()) <= 3
    assert not [noise for noise in NOISE if noise in said]
    return said


MISTAKES = [
    (["--model.rewards+", "{class_path: Correct, init_args: {wieght: 2}}"],
     "model.rewards: Correct has no option 'wieght'; did you mean 'weight'?"),
    (["--model.rewards+", "Corect"], "model.rewards: there is no Reward 'Corect'; did you mean 'Correct'?"),
    (["--model.objective", "GPRO"], "model.objective: there is no Objective 'GPRO'; did you mean .*'GRPO'"),
    (["--trainer.callbacks+", "Picture"], "trainer.callbacks: there is no Callback 'Picture'; .*'Pictures'"),
    (["--data", "Ravdes"], "data: there is no Corpus 'Ravdes'; did you mean 'Ravdess'?"),
    (["--model.rewards+", "emolit.rewards.correct.Corect"],
     "the module 'emolit.rewards.correct' has no 'Corect'; did you mean 'Correct'?"),
    (["--model.optimizer", "torch.optim.AdamX"], "the module 'torch.optim' has no 'AdamX'; .*'Adam'.* AdamW,"),
    (["--model.rewards+", "nowhere.Brevity"], "there is no module 'nowhere' to import"),
    (["--trainer.max_epoch", "1"], "there is no option '--trainer.max_epoch'; did you mean '--trainer.max_epochs'?"),
    (["--model.group_siz", "3"], "ReinforcementFinetuning has no option 'group_siz'; did you mean 'group_size'?"),
    (["--data.loading.batch", "3"], "no option 'loading.batch'; did you mean 'loading.batch_size'?"),
    (["--model.group_size", "many"], "model.group_size: it is 'many', and a whole number is expected."),
    (["--model", "Task"], "'Task' is abstract; choose one of .*ReinforcementFinetuning"),
    (["--data.labels", "[angry, 1]"], "data.labels: 1 is a number and text is expected; write it in quotes"),
    (["--data.label_map", "{angry: no}"], "data.label_map: False is a truth value and text is expected"),
    (["--trainer.precision", "7"], "trainer.precision: it is '7'; choose one of .*bf16-mixed"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "words"), MISTAKES, ids=lambda value: str(value)[:40])
def test_a_mistake_on_the_command_line_is_told_with_what_is_near(arguments, words, capsys):
    assert re.search(words.replace("?", r"\?"), refused(capsys, "--config", GRPO, *arguments))


FILES = [
    ("group_size", "group_sise", "model: ReinforcementFinetuning has no option 'group_sise'; did you mean 'group_size'?"),
    ("log_every_n_steps", "log_every_n_step", "no option 'trainer.log_every_n_step'; did you mean 'trainer.log_every_n_steps'?"),
    ("class_path: Pictures", "class_path: Picture", "there is no Callback 'Picture'; did you mean 'Pictures'?"),
    ("{batch_size", "{batch_sise", "no option 'loading.batch_sise'; did you mean 'loading.batch_size'"),
    ("every_n_steps: 50, clips", "every_n_step: 50, clips", "RolloutJournal has no option 'every_n_step'; did you mean 'every_n_steps'?"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "words"), FILES, ids=[row[1] for row in FILES])
def test_a_mistake_in_a_file_is_told_with_what_is_near(right, wrong, words, tmp_path, capsys):
    text = GRPO.read_text().replace("../../", f"{CONFIGS}/")
    assert right in text
    (tmp_path / "typo.yaml").write_text(text.replace(right, wrong))
    assert words in refused(capsys, "--config", tmp_path / "typo.yaml")


def test_a_config_that_is_not_there_is_told_in_a_line(tmp_path, capsys):
    said = refused(capsys, "--config", tmp_path / "nowhere.yaml")
    assert said == f"error: the config file '{tmp_path / 'nowhere.yaml'}' is not there.\n"


def test_a_path_inside_a_config_is_relative_to_it_and_the_message_says_so(tmp_path, capsys):
    (tmp_path / "copied.yaml").write_text(GRPO.read_text())
    said = refused(capsys, "--config", tmp_path / "copied.yaml")
    assert "there is no file '../../rewards/correct.yaml'" in said
    assert f"relative to the config that names it, here '{tmp_path}'" in said


def test_what_stands_before_a_config_is_not_overruled_by_it(capsys):
    with pytest.raises(SystemExit) as stopped:
        emolit(
            *["fit", "--data", "Manifest", "--data.path", "mine.csv"],
            *["--prompt.question", "Emotion: {options}", "--config", GRPO, "--print_config"],
        )
    assert stopped.value.code == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    assert printed["data"]["class_path"] == "emolit.corpora.manifest.Manifest"
    assert printed["data"]["init_args"]["path"] == "mine.csv"
    assert printed["prompt"]["init_args"]["question"] == "Emotion: {options}"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (["--version"], ["--version"]),
        ([], []),
        (
            ["fit", "-c", "a", "--x", "1", "--config=b"],
            ["fit", "-c", "a", "--config=b", "--x", "1"],
        ),
        (["fit", "--x", "1", "--config"], ["fit", "--config", "--x", "1"]),
    ],
)
def test_configs_come_first_in_their_order(given, wanted):
    assert configs_first(given) == wanted


def test_a_config_in_another_encoding_is_told(tmp_path):
    config = tmp_path / "mine.yaml"
    config.write_bytes("seed_everything: 1  # für später\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"not UTF-8 at byte 23 .*Save it as UTF-8"):
        emolit("fit", "--config", str(config))
