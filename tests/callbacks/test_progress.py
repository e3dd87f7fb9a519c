"""What stands beside the bar."""

from types import SimpleNamespace

import pytest

from emolit.callbacks.progress import Progress
from tests.callbacks.tiny import Loader, Told, batch_of, trainer

pytestmark = pytest.mark.filterwarnings("ignore:You defined a `validation_step`")  # not needed here


class Kept(Progress):
    """Remembers what it showed."""

    def __init__(self):
        super().__init__()
        self.shown, self.epochs = [], []

    def get_metrics(self, trainer, pl_module):
        self.shown.append(super().get_metrics(trainer, pl_module))
        return self.shown[-1]

    def describe_epoch(self, trainer, epoch):
        self.epochs.append(super().describe_epoch(trainer, epoch))
        return self.epochs[-1]


class Logs(Told):
    def training_step(self, batch, batch_idx):
        self.log("train/kl", 0.5, prog_bar=True)
        self.log("train/reward", 0.25, prog_bar=True)
        return {"loss": self.weight.sum()}


class Steps(Told):
    automatic_optimization = False

    def training_step(self, batch, batch_idx):
        self.optimizers().step()


def test_the_reward_comes_first_and_the_version_not_at_all(tmp_path):
    bar = Kept()
    made = trainer(tmp_path, bar, enable_progress_bar=True, max_epochs=2)
    made.fit(Logs({}), Loader(*[batch_of()] * 3))
    assert list(bar.shown[0]) == ["reward", "left", "kl"]
    assert bar.shown[-1]["left"] == "0:00:00"
    assert bar.epochs == ["Epoch 1/2", "Epoch 2/2"]


def test_the_end_of_a_task_that_steps_by_itself_is_not_guessed(tmp_path):
    """Lightning takes a step a batch for granted; a baseline fits once."""
    module, bar = Steps({}), Kept()
    made = trainer(tmp_path, bar, enable_progress_bar=True, max_epochs=1)
    made.fit(module, Loader(*[batch_of()] * 3))
    assert made.global_step == 3
    assert not any("left" in shown for shown in bar.shown)


@pytest.mark.parametrize(
    ("steps", "batches", "together", "said"),
    [
        (160, 84, 1, "Epoch 2/2"),  # max_steps alone
        (160, 85, 4, "Epoch 2/8"),  # 22 steps an epoch
        (float("inf"), 84, 1, "Epoch 2"),
        (160, float("inf"), 1, "Epoch 2"),
        (10, 84, 1, "Epoch 2/2"),  # resumed beyond its end
    ],
)
def test_an_epoch_is_said_of_those_that_come(steps, batches, together, said):
    known = SimpleNamespace(
        estimated_stepping_batches=steps,
        num_training_batches=batches,
        accumulate_grad_batches=together,
    )
    assert Progress().describe_epoch(known, 1) == said
