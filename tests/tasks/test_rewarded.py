"""What tasks with rewards refuse, whatever they learn by."""

from types import SimpleNamespace

import pytest

from emolit.demonstrations.chord import CHORD
from emolit.errors import ConfigError
from emolit.rewards.correct import Correct
from emolit.rl.schedule import LinearFade
from tests.tasks.test_rl import task


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rewards": [Correct(LinearFade())]}, "`weight` of the reward 'correct' changes"),
        ({"demonstrations": CHORD(LinearFade())}, "`share` of `demonstrations` changes"),
    ],
)
def test_what_follows_the_training_needs_its_end(settings, message):
    made = task(**settings)
    made._trainer = SimpleNamespace(estimated_stepping_batches=float("inf"))
    with pytest.raises(ConfigError, match=message):
        made.on_train_start()
