"""A look at what trains before it does: in which numbers, and at which rate."""

import re
from typing import Any

from lightning.pytorch.plugins.precision import DeepSpeedPrecision
from lightning.pytorch.utilities import rank_zero_warn
from torch import nn
from torch.optim import Optimizer

from emolit.errors import ConfigError

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
