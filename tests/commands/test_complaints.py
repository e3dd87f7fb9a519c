"""The cause of a mistake is that of the attempt which went furthest."""

from argparse import ArgumentError

import pytest
from jsonargparse import ArgumentParser

from emolit.commands.complaints import complaint, meant, no_option
from emolit.commands.shelves import discover
from emolit.compat.jsonargparse import install
from emolit.rewards import Reward


def told(kind, value):
    """Return what is said of a value that does not fit."""
    discover()
    install()
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--x", type=kind)
    with pytest.raises(ArgumentError) as caught:
        parser.parse_args([f"--x={value}"])
    return complaint(str(caught.value), caught.value)


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (int, "many", "x: it is 'many', and a whole number is expected."),
        (float | None, "many", "x: it is 'many', and a number is expected."),
        (list[int], "[1, a]", "x: it is 'a', and a whole number is expected."),
        (dict[str, str] | None, "{a: 3.0}", "x: 3.0 is a number and text is expected;"),
        (list[Reward] | Reward | None, "[Corect]", "x: there is no Reward 'Corect'; did you mean"),
        (list[Reward] | Reward | None, "Corect", "x: there is no Reward 'Corect'; did you mean"),
        (Reward, "torch.nn.Linear", "x: 'torch.nn.Linear' is no Reward; "),
    ],
    ids=str,
)
def test_the_cause_is_told_and_nothing_of_the_other_attempts(kind, value, words):
    said = told(kind, value)
    assert said.startswith(words)
    assert "None" not in said
    assert len(said.splitlines()) == 1


def test_long_lists_of_names_are_left_out():
    assert meant("x1", [f"x{i}0" for i in range(40)]) == (
        "; did you mean 'x10' or 'x100' or 'x110'?"
    )


def test_options_of_the_same_place_are_offered():
    assert no_option("a.x", ["a.y", "b.x", "a.b.x", "a.help"]).endswith("There are: a.y.")
