"""Names that are near to one that is not there."""

from emolit.commands.near import FEW, meant


def test_what_begins_alike_goes_before_what_is_spelled_alike():
    assert meant("max_ep", ["max_epochs", "max_steps"]).startswith("; did you mean 'max_epochs'?")


def test_many_names_are_not_listed():
    many = [f"name{number}" for number in range(FEW + 1)]
    assert meant("nothing_like_it", many) == "."
    assert "There are: " in meant("nothing_like_it", many[:FEW])
