"""Shelves: a class is known by its short name once its shelf was walked."""

import subprocess
import sys

CODE = """
from emolit.commands.shelves import discover
from emolit.rewards import Reward
before = {each.__name__ for each in Reward.__subclasses__()}
discover()
after = {each.__name__ for each in Reward.__subclasses__()}
print("Correct" not in before, "Correct" in after)
"""


def test_plugins_are_imported_when_the_shelves_are_walked_and_not_before():
    found = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["True", "True"]
