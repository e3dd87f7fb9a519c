"""A process that hangs ends with its stacks; one that does not is left alone."""

import subprocess
import sys

import pytest

from emolit.callbacks.watchdog import Watchdog
from emolit.errors import ConfigError

MINUTES = 0.1
"""Long enough for a batch of a busy machine."""
RUN = """
import re, sys, threading, time, warnings
warnings.simplefilter("ignore")
import torch
from lightning.pytorch import LightningModule, Trainer
from emolit.callbacks.watchdog import Watchdog

class Task(LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch, number):
        if number == 2:
            {hang}
        return self.layer(batch).sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)

def never_returns():
    {never}

loader = torch.utils.data.DataLoader(torch.zeros(4, 1))
trainer = Trainer(
    max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False,
    enable_progress_bar=False, enable_model_summary=False,
    callbacks=[Watchdog(minutes={minutes})],
)
trainer.fit(Task(), loader)
time.sleep(8)
print("ended by itself")
"""


def run(hang, never="pass"):
    script = RUN.format(hang=hang, never=never, minutes=MINUTES)
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.parametrize(
    "never",
    [
        "threading.Lock().acquire() and threading.Event().wait()",
        're.match("(a+)+$", "a" * 60 + "b")',
    ],
    ids=["waits", "holds the interpreter"],
)
def test_a_step_that_never_ends_is_shown_and_ended(never):
    ended = run("never_returns()", never)
    assert ended.returncode == 1
    assert "Timeout (0:00:06)!" in ended.stderr
    assert "in never_returns" in ended.stderr
    assert "in training_step" in ended.stderr
    assert "ended by itself" not in ended.stdout


@pytest.mark.slow
def test_a_run_that_has_ended_is_not_watched_any_more():
    ended = run("pass")
    assert (ended.returncode, ended.stdout) == (0, "ended by itself\n")


def test_an_error_ends_the_run_by_itself():
    ended = run('raise ValueError("a mistake")')
    assert ended.returncode == 1
    assert "ValueError: a mistake" in ended.stderr
    assert "Timeout" not in ended.stderr


def test_a_watchdog_without_time_is_refused():
    with pytest.raises(ConfigError, match="minutes 0; choose more than 0"):
        Watchdog(minutes=0)
