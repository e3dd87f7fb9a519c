"""Where a run stands, and how it goes on exactly there.

Lightning writes its counters as they are in the hook that saves, and reads some of these states
back as another place: a run that ended inside an epoch begins the next one, one that was saved on
the last batch of an epoch loses its place when it is resumed twice, and a state inside an
accumulation window has lost gradients. Here a place is (epoch, batches done), as the loader of
emolit counts them. A file that is written inside a window says the place where the window began,
and whatever hook has written a file, its counters are set to the same state of that place when it
is loaded: what they are right after a training batch, or before the first one of an epoch.
"""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Checkpoint

from emolit.compat.lightning import (
    batches_before,
    batches_in_all,
    begin_epoch,
    callbacks_of,
    ends_epoch,
    loader_states,
    reopen_epoch,
    set_progress,
)
from emolit.data.sampler import ClipLoader
from emolit.errors import ConfigError


@dataclass(frozen=True)
class ResumePoint:
    """The place where an accumulation window began.

    Attributes:
        step: Optimizer steps before it; it is open as long as there are no more.
        epoch: Which epoch.
        batches: Batches of the epoch before it.
        moving: What the task changes with every batch.
        callbacks: States of the callbacks, by key.
    """

    step: int
    epoch: int
    batches: int
    moving: dict[str, Any]
    callbacks: dict[str, Any]


def take_resume_point(trainer: Trainer, batches: int, moving: dict[str, Any]) -> ResumePoint:
    """Return the present place, between two windows."""
    states: dict[str, Any] = {}
    if trainer.accumulate_grad_batches > 1:
        others = [each for each in callbacks_of(trainer) if not isinstance(each, Checkpoint)]
        states = {each.state_key: deepcopy(each.state_dict()) for each in others}
    return ResumePoint(trainer.global_step, trainer.current_epoch, batches, moving, states)


def share(trainer: Trainer, mark: ResumePoint, batch: int) -> float:
    """Return what a loss that Lightning divides by the setting is to be multiplied by.

    ``accumulate_grad_batches`` batches make a step, but fewer at the end of an epoch, and where a
    run was resumed with another setting. The factor makes the step a mean over those that it has.

    Args:
        trainer: It knows the setting and the length of an epoch.
        mark: Where the window began.
        batch: Index of the batch in the epoch.
    """
    setting = trainer.accumulate_grad_batches
    if setting == 1 or trainer.strategy.handles_gradient_accumulation:
        return 1.0
    end = min((batch // setting + 1) * setting, trainer.num_training_batches)
    return setting / (end - mark.batches)


def rewind(checkpoint: dict[str, Any], mark: ResumePoint) -> None:
    """Let a checkpoint that is written inside a window say where the window began."""
    state = place_of(checkpoint)
    if state is None:
        return
    state |= {"epoch": mark.epoch, "batches": mark.batches}
    reopen_epoch(checkpoint)
    kept = checkpoint.get("callbacks", {})
    kept |= {key: value for key, value in mark.callbacks.items() if key in kept}


def place_of(checkpoint: dict[str, Any]) -> dict[str, Any] | None:
    """Return the state of emolit's training loader; None where the run had another one."""
    states = loader_states(checkpoint)
    known = len(states) == 1 and {"epoch", "batches"} <= states[0].keys()
    return states[0] if known else None


def settle(checkpoint: dict[str, Any], trainer: Trainer) -> dict[str, Any] | None:
    """Set the counters of a checkpoint to its place, before Lightning takes them.

    Returns:
        The state of the loader; None where the run had another one, so that nothing is known.
    """
    state = place_of(checkpoint)
    if state is None:
        return None
    if ends_epoch(checkpoint):
        state |= {"epoch": state["epoch"] + 1, "batches": 0}
        total = batches_in_all(checkpoint)
    else:
        total = batches_before(checkpoint) + state["batches"]
    done, step = state["batches"], checkpoint["global_step"]
    ended = done > 0 and done % trainer.accumulate_grad_batches == 0
    set_progress(checkpoint, state["epoch"], done, total, step - 1 if ended else step)
    return state


def take_up(trainer: Trainer, state: dict[str, Any]) -> None:
    """Bring the loader and the loop to the place, once there are any.

    Raises:
        ConfigError: An epoch is no longer as long.
    """
    if 0 < trainer.num_training_batches <= state["batches"]:
        raise ConfigError(
            f"The checkpoint stands behind batch {state['batches']} of epoch {state['epoch']}, and "
            f"an epoch has {trainer.num_training_batches} batches now; resume with the old "
            "`trainer.limit_train_batches` and `loading`."
        )
    loader = trainer.train_dataloader
    if isinstance(loader, ClipLoader):
        loader.load_state_dict(state)
    if not state["batches"]:
        begin_epoch(trainer)  # nothing is repeated
