"""What is logged of a rollout: the reward first, and nothing that is 0 by construction."""

from types import SimpleNamespace

import pytest
import torch

from emolit.errors import RolloutError
from emolit.rollouts.eager import Eager
from emolit.tasks.rl import ReinforcementFinetuning
from emolit.tasks.rollout_log import STALE
from tests.tasks.test_rl_buffered import steps, task
from tests.tasks.toy import asked


@pytest.fixture(autouse=True)
def counted(monkeypatch):
    """Give the task a step to draw by, as a trainer would."""
    step = property(lambda self: getattr(self, "_step", 0))
    monkeypatch.setattr(ReinforcementFinetuning, "global_step", step)


def test_lengths_answers_and_the_gap_are_logged_and_the_reward_first():
    made = task(kind=ReinforcementFinetuning)
    steps(made, 1)
    names = list(made.logged)
    assert names[0] == "train/reward"
    said = [name for name in names if name.startswith("said/")]
    assert said == [f"said/{label}" for label in made.evaluator.labels]
    assert {"tokens/p90", "train/rollout_gap", "train/rollout_gap_max"} <= set(names)


def test_one_process_whose_server_lags_behind_stops_all(monkeypatch):
    """Eight of them would hide it in their mean."""
    made = task(kind=ReinforcementFinetuning)
    kept = []
    monkeypatch.setattr(made, "check_gap", kept.append)
    steps(made, 1)
    monkeypatch.undo()
    monkeypatch.setattr(ReinforcementFinetuning, "processes", 8)
    made.rollouts.max_gap = 0.1
    seen = [0.0] * 7
    made.all_gather = lambda gap: torch.tensor([*seen, gap.item()])
    made.check_gap(kept[0])
    seen[3] = 0.5
    with pytest.raises(RolloutError, match=r"differ by 0\.5 nats a token"):
        made.check_gap(kept[0])
    seen[3] = torch.nan
    with pytest.raises(RolloutError, match=r"differ by nan"):
        made.check_gap(kept[0])


def test_what_one_update_cannot_show_is_left_out_and_comes_with_several():
    stale = {f"train/{name}" for name in STALE}
    simple, buffered = task(kind=ReinforcementFinetuning), task(epochs=2)
    steps(simple, 1)
    steps(buffered, 1)
    assert not stale & simple.logged.keys()
    assert stale <= buffered.logged.keys()


class Counting(Eager):
    """Counts how often it is asked."""

    asked = 0

    def draw(self, policy, batch, group_size, sampling, seed, step):
        self.asked += 1
        assert (group_size, sampling.temperature) == (1, 0)
        return super().draw(policy, batch, group_size, sampling, seed, step)


@pytest.mark.parametrize(
    ("validates", "stage", "asked_engine"),
    [(True, "fit", 1), (True, "test", 0), (False, "fit", 0)],
)
def test_an_engine_answers_validations_where_it_is_asked_to_and_no_test(
    validates, stage, asked_engine
):
    made = task(kind=ReinforcementFinetuning)
    with torch.no_grad():
        made.policy.logits[:, 2] = 0.1
    made.rollouts = Counting()
    made.rollouts.validates = validates
    made._trainer = SimpleNamespace(state=SimpleNamespace(fn=stage))
    assert made.evaluate(asked()).answers == ("neutral",) * 4
    assert made.rollouts.asked == asked_engine
