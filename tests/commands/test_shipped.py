"""Shipped configs: short names from any folder; a file of one's own goes first."""

from pathlib import Path

import pytest

from emolit.commands.shipped import FOLDER, find, find_all, short_names
from emolit.errors import ConfigError


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "kind", "path"),
    [
        ("demo/sft", "experiments", "experiments/demo/sft.yaml"),
        ("demo", "sweeps", "sweeps/demo.yaml"),
        ("overlays/eur", "experiments", "overlays/eur.yaml"),
        ("configs/corpora/ravdess.yaml", "experiments", "corpora/ravdess.yaml"),
    ],
)
def test_a_short_name_is_that_of_a_shipped_config(name, kind, path):
    assert Path(find(name, kind)) == FOLDER / path
    assert Path(find(name, kind)).is_file()


def test_a_file_of_ones_own_goes_first(elsewhere):
    (elsewhere / "demo").mkdir()
    (elsewhere / "demo" / "sft").write_text("trainer: {}\n")
    assert find("demo/sft") == "demo/sft"


@pytest.mark.parametrize("name", ["mine.yaml", "/tmp/mine.yaml", "../mine", "{trainer: {}}"])
def test_what_is_no_short_name_is_left_to_the_parser(name):
    assert find(name) == name


def test_a_name_of_nothing_is_refused_with_the_names_near_it():
    with pytest.raises(ConfigError, match=r"no file 'demo/sfft', .*; did you mean 'demo/sft'"):
        find("demo/sfft")


def test_only_configs_are_looked_for_on_a_command_line():
    words = ["fit", "--config=demo/grpo", "-c", "demo/sft", "--model", "demo/sft"]
    given = [*words, "--data=configs/corpora/tess.yaml"]
    assert find_all(given) == [
        "fit", f"--config={FOLDER}/experiments/demo/grpo.yaml",
        "-c", f"{FOLDER}/experiments/demo/sft.yaml", "--model", "demo/sft",
        f"--data={FOLDER}/corpora/tess.yaml",
    ]  # fmt: skip


def test_every_shipped_experiment_has_a_name():
    assert {"demo/sft", "demo/grpo", "demo/test"} <= set(short_names("experiments"))
