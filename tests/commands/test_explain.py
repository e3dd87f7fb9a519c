"""What YAML can name: all classes by shelf, and one with its arguments."""

import pytest
import yaml

from emolit.commands.explain import main, things
from emolit.commands.shelves import SHELVES


def test_every_shelf_is_listed_with_its_classes(capsys):
    assert main([]) == 0
    out = capsys.readouterr().out
    assert all(f"{shelf}:\n" in out for shelf in SHELVES)
    for name in ("Ravdess", "GRPO", "Correct", "standardized", "Report", "Direct", "BertScore"):
        assert f"    {name} " in out


@pytest.mark.parametrize("name", ["WellFormed", "GRPO", "Ravdess"])
def test_a_class_is_shown_with_a_node_that_parses(name, capsys):
    assert main([name]) == 0
    node = yaml.safe_load(capsys.readouterr().out.partition("In YAML:\n")[2])
    assert node["class_path"] == name
    assert node["init_args"]


def test_arguments_have_their_defaults_and_types(capsys):
    assert main(["Correct"]) == 0
    assert "weight: 1.0  # " in capsys.readouterr().out


def test_a_name_that_is_not_there_is_refused_with_the_nearest(capsys):
    assert main(["Corect"]) == 2
    assert "no class 'Corect' on any shelf; did you mean 'Correct'" in capsys.readouterr().err


@pytest.mark.parametrize("shelf", SHELVES)
def test_no_shelf_is_empty(shelf):
    assert list(things(shelf))


def test_a_name_on_two_shelves_is_shown_twice(capsys):
    assert main(["WheelF1"]) == 0
    out = capsys.readouterr().out
    assert "of the shelf `rewards`" in out and "of the shelf `metrics`" in out


def test_what_stands_on_no_shelf_is_shown_by_its_path(capsys):
    assert main(["emolit.rl.kl.KL"]) == 0
    assert "class_path: emolit.rl.kl.KL" in capsys.readouterr().out
    assert main(["emolit.nowhere.Thing"]) == 2
