"""A look at what trains before it does: in which numbers, at which rate, by what."""

import re
from collections.abc import Callable
from typing import Any, Protocol

from lightning.pytorch.plugins.precision import DeepSpeedPrecision
from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor, nn
from torch.optim import Optimizer

from emolit.advantages import Advantage
from emolit.demonstrations import Demonstrations
from emolit.errors import ConfigError
from emolit.objectives import Objective
from emolit.rl.kl import KL

LOWEST = 1e-5
"""Adapters want about ten times the rate of all weights (Schulman et al. 2025, "LoRA Without
Regret"), and that of reinforcement is 1e-6 (R1-AQA, arXiv 2503.11197)."""


def check_numbers(policy: nn.Module, plugin: Any) -> None:
    """Refuse to train weights that round away what an optimizer does to them.

    In bfloat16 a step of less than 0.2% of a weight is lost: nearly all, at the rates of
    finetuning, and the optimizer's moments would be rounded likewise. With a precision such as
    ``bf16-true`` it was asked for, and is warned about. DeepSpeed keeps weights of its own in
    float32.

    Args:
        policy: With the weights that will train.
        plugin: Lightning's, which knows the precision; None outside of a trainer.

    Raises:
        ConfigError: A weight that trains has less than 32 bits.
    """
    if isinstance(plugin, DeepSpeedPrecision):
        return
    trained = [pair for pair in policy.named_parameters() if pair[1].requires_grad]
    coarse = [(name, weight) for name, weight in trained if weight.dtype.itemsize < 4]
    if not coarse:
        return
    name, weight = coarse[0]
    share = sum(w.numel() for _, w in coarse) / sum(w.numel() for _, w in trained)
    kind = str(weight.dtype).removeprefix("torch.")
    said = f"{share:.0%} of what trains, such as {name!r}, is {kind} and rounds small steps away"
    precision = str(getattr(plugin, "precision", ""))
    if precision in ("bf16-true", "16-true"):
        rank_zero_warn(
            f"{said}, under `trainer.precision: {precision}`; `bf16-mixed` computes in bfloat16 "
            "and trains in float32."
        )
        return
    raise ConfigError(
        f"{said}; set `dtype: float32` in the policy (`trainer.precision: bf16-mixed` still "
        "computes in bfloat16), train adapters (`lora`), or ask for it with "
        "`trainer.precision: bf16-true`."
    )


def check_rate(policy: nn.Module, optimizer: Optimizer) -> None:
    """Warn where adapters train at a rate that is meant for all weights.

    Args:
        policy: With the weights that will train.
        optimizer: Before a scheduler has changed its rates.
    """
    trained = [name for name, weight in policy.named_parameters() if weight.requires_grad]
    adapters = [name for name in trained if re.search(r"\.lora_\w+\.default\b", name)]
    rate = max(float(group["lr"]) for group in optimizer.param_groups)
    if adapters and rate < LOWEST:
        rank_zero_warn(
            f"Adapters train at the rate {rate:g}, which is one for all weights and hardly moves "
            f"them; set `optimizer.init_args.lr` to {LOWEST:g} or more, such as 2e-5."
        )


class Learning(Protocol):
    """What a task learns by, as far as its parts may not go together."""

    objective: Objective
    advantage: Callable[[Tensor], Tensor] | Advantage
    per_reward: Callable[[Tensor], Tensor] | None
    reward_kl: KL
    demonstrations: Demonstrations | None
    group_size: int
    label_balance: float
    beyond_silence: bool


def check_learning(task: Learning) -> None:
    """Refuse settings that an advantage or an objective would overlook.

    Raises:
        ConfigError: There are such.
    """
    if task.objective.signs_alone and task.label_balance:
        raise ConfigError(
            f"{type(task.objective).__name__} takes the sign of an advantage alone, so "
            "`label_balance` would do nothing; take `loading.balance`, or another objective."
        )
    taken = "reward_kl" if task.reward_kl.on else "beyond_silence"
    threshold = isinstance(task.advantage, Advantage) and task.advantage.has_threshold
    if threshold and (task.reward_kl.on or task.beyond_silence):
        raise ConfigError(
            f"{type(task.advantage).__name__} asks which totals reach a value, and `{taken}` is "
            "taken off them before, so that none might; choose one of the two."
        )
    if task.beyond_silence and task.per_reward is not None:
        raise ConfigError(
            "`beyond_silence` takes what silence earns off the rewards, and `per_reward` has "
            "brought these to another scale; choose one of the two."
        )
    if task.demonstrations is not None:
        task.demonstrations.check(task.group_size)
