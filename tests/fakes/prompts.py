"""Each prompt once, with what it cannot be made without."""

import pytest

from emolit.prompts.ratings import Ratings
from tests.test_house import plugins

NEEDED = {Ratings: {"scales": {"valence": (1, 5), "arousal": (0, 10)}}}
PROMPTS = [
    pytest.param(kind(**NEEDED.get(kind, {})), id=kind.__name__) for _, kind in plugins("prompts")
]
