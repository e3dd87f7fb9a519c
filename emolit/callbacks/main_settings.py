"""The settings that runs are compared by, read off what was built from the config."""

from collections.abc import Mapping
from typing import Any

from lightning.pytorch import LightningModule, Trainer

from emolit.callbacks.fit_report import best_checkpoints
from emolit.seed import run_seed

BLANK: Mapping[str, str | float | bool] = {
    "task": "", "policy": "", "start": "", "prompt": "", "corpora": "", "monitor": "",
    "objective": "", "kl": 0.0, "reward_kl": 0.0, "advantage": "", "rewards": "",
    "demonstrations": "", "hints": "", "entropy_bonus": 0.0, "perception": 0.0,
    "beyond_silence": False, "label_balance": 0.0, "balance": 0.0,
    "group_size": 0, "updates": 0, "temperature": 0.0, "top_p": 0.0, "max_tokens": 0,
    "optimizer": "", "learning_rate": 0.0, "weight_decay": 0.0, "batch_size": 0,
    "accumulate_grad_batches": 0, "processes": 0, "precision": "", "max_epochs": 0, "max_steps": 0,
    "adapters": "", "trained_weights": 0, "seed": 0,
}  # fmt: skip
"""All names, in the order of the columns, each with a value of its type."""


def main_settings(trainer: Trainer, task: LightningModule) -> dict[str, str | float | bool]:
    """Return the main settings of a fit; those that a task does not have are missing.

    Args:
        trainer: With its optimizer.
        task: What it fits; any LightningModule, and those of emolit say more.
    """
    monitored = [str(checkpoint.monitor) for checkpoint in best_checkpoints(trainer)]
    found: dict[str, Any] = {
        "task": type(task).__name__,
        "monitor": ", ".join(monitored) or None,
        "accumulate_grad_batches": trainer.accumulate_grad_batches,
        "processes": trainer.world_size,
        "precision": str(trainer.precision),
        "max_epochs": trainer.max_epochs,
        "max_steps": trainer.max_steps,
        "trained_weights": sum(w.numel() for w in task.parameters() if w.requires_grad),
        "seed": run_seed(),
        **_of_task(task),
        **_of_optimizer(trainer),
        **_of_data(getattr(trainer, "datamodule", None)),
    }
    return {name: found[name] for name in BLANK if found.get(name) is not None}


def _of_task(task: Any) -> dict[str, Any]:
    """Return what a task of emolit was made of."""
    policy, objective = getattr(task, "policy", None), getattr(task, "objective", None)
    sampling, advantage = getattr(task, "sampling", None), getattr(task, "advantage", None)
    lora = getattr(policy, "lora", None)
    weighed = [f"{each.weight_at(0.0):g} * {each.name}" for each in getattr(task, "rewards", ())]
    trains_rollouts = objective is not None
    return {
        "policy": _name(policy),
        "start": getattr(policy, "checkpoint", None),
        "adapters": None if policy is None else "none" if lora is None else f"rank {lora.rank}",
        "prompt": _name(getattr(task, "prompt", None)),
        "objective": _name(objective),
        "kl": _price(getattr(objective, "kl", None)),
        "reward_kl": _price(getattr(task, "reward_kl", None)),
        "advantage": getattr(advantage, "__name__", _name(advantage)),
        "rewards": ", ".join(weighed) or None,
        "demonstrations": _name(getattr(task, "demonstrations", None)),
        "hints": _name(getattr(task, "hints", None)),
        "entropy_bonus": _price(getattr(task, "entropy", None)),
        "perception": _price(getattr(task, "perception", None)),
        "beyond_silence": getattr(task, "beyond_silence", None),
        "label_balance": _number(getattr(task, "label_balance", None)),
        "group_size": getattr(task, "group_size", None),
        "updates": getattr(task, "updates", None),
        "temperature": sampling.temperature if trains_rollouts and sampling else None,
        "top_p": sampling.top_p if trains_rollouts and sampling else None,
        "max_tokens": getattr(sampling, "max_tokens", None),
    }


def _of_optimizer(trainer: Trainer) -> dict[str, Any]:
    """Return the first optimizer and the options it was made with."""
    if not trainer.optimizers:
        return {}
    optimizer = trainer.optimizers[0]
    return {
        "optimizer": _name(optimizer),
        "learning_rate": _number(optimizer.defaults.get("lr")),
        "weight_decay": _number(optimizer.defaults.get("weight_decay")),
    }


def _of_data(corpus: Any) -> dict[str, Any]:
    """Return what is trained on, and how many clips a process takes at once."""
    return {
        "corpora": ", ".join(getattr(corpus, "training_names", ())) or None,
        "batch_size": getattr(getattr(corpus, "loading", None), "batch_size", None),
        "balance": _number(getattr(getattr(corpus, "loading", None), "balance", None)),
    }


def _name(thing: object) -> str | None:
    """Return the name of the class of something; None for None."""
    return None if thing is None else type(thing).__name__


def _price(kl: Any) -> float | None:
    """Return the coefficient of a KL, or of another term of the loss."""
    return _number(getattr(kl, "coefficient", None))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
