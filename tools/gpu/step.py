"""A step by part, its memory beside the plan, and how far sampling is from training in bfloat16."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from statistics import median
from typing import Any

import torch
from torch import Tensor

from emolit.objectives.gspo import GSPO
from emolit.policies.nano import Nano
from emolit.rl.functional import masked_mean
from emolit.tasks.old_logprobs import recompute_old_logprobs
from emolit.types import Rollout, Sampling, ScoredRollout
from tools.gpu.rows import Row
from tools.gpu.setting import Setting, taken
from tools.plan import memory

STAGES = ("encode", "prefill", "decode", "reference", "loss", "backward", "optimizer")
PEAKS = "the allocator tells its peak on CUDA alone"


@dataclass
class Steps:
    """Steps of one policy, timed.

    Attributes:
        setting: Where.
        policy: Trains.
        seconds: Of each stage of each step.
        peaks: Gigabytes at the most while sampling and while learning, in the last step.
    """

    setting: Setting
    policy: Nano
    seconds: list[dict[str, float]] = field(default_factory=list)
    peaks: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the optimizer of what trains."""
        weights = [each for each in self.policy.parameters() if each.requires_grad]
        self.weights = weights
        self.optimizer = torch.optim.AdamW(weights, lr=1e-5)
        self.prefill = 0.0

    def run(self, mixed: bool = True) -> tuple[Rollout, Tensor]:
        """Make the steps; return the last rollout and its log-probabilities."""
        for step in range(self.setting.shape.rounds + 1):
            with self.setting.mixed(mixed):
                last = self._step(step)
        self.seconds = self.seconds[1:]  # the first one warms up
        return last

    def _step(self, step: int) -> tuple[Rollout, Tensor]:
        policy, timed, shape = self.policy, self.setting.timed, self.setting.shape
        took: dict[str, float] = {}
        batch = self.setting.batch(shape.prompts)
        _, took["encode"] = timed(lambda: policy.encode(batch))
        self._open_peak()
        prefix = policy.scorer.prefix

        def prefill(*given: Any) -> Any:
            made, took["prefill"] = timed(lambda: prefix(*given))
            return made

        policy.scorer.prefix = prefill  # type: ignore[method-assign]  # to time it
        try:
            rollout, whole = timed(
                lambda: policy.sample(
                    batch, shape.group, Sampling(max_tokens=shape.tokens), seed=0, step=step
                )
            )
        finally:
            policy.scorer.prefix = prefix  # type: ignore[method-assign]
        took["decode"] = whole - took["prefill"]
        self._close_peak("sampling")
        _, took["reference"] = timed(lambda: policy.reference_logprobs(rollout))
        self._open_peak()
        logprobs, took["loss"] = timed(lambda: policy.logprobs(rollout))
        _, took["backward"] = timed(lambda: masked_mean(logprobs, rollout.mask).neg().backward())
        self._close_peak("learning")
        _, took["optimizer"] = timed(self.optimizer.step)
        self.gradients = [each.grad for each in self.weights if each.grad is not None]
        self.optimizer.zero_grad()
        self.seconds.append(took)
        return rollout, logprobs.detach()

    def _open_peak(self) -> None:
        if self.setting.cuda:
            torch.cuda.reset_peak_memory_stats()

    def _close_peak(self, name: str) -> None:
        if self.setting.cuda:
            self.peaks[name] = torch.cuda.max_memory_allocated() / 1e9


def measure(setting: Setting, form: str) -> Iterator[Row]:
    """Yield time and memory of a step, and the gap in bfloat16.

    Args:
        setting: Where.
        form: ``lora`` or ``qlora``.
    """
    if form == "qlora" and find_spec("bitsandbytes") is None:
        note = "bitsandbytes is not installed; `pip install 'emolit[qlora]'`"
        yield Row(form, "step", None, note=note)
        return
    policy, loading = setting.timed(lambda: setting.policy(form))
    yield Row(form, "load", loading, "s")
    steps = Steps(setting, policy)
    rollout, logprobs = steps.run()
    yield from times(steps, form)
    yield from held(steps, form, rollout)
    yield from apart(rollout, logprobs, form)


def times(steps: Steps, form: str) -> Iterator[Row]:
    """Yield the seconds of each stage, medians over the steps."""
    shape = steps.setting.shape
    note = f"{shape.prompts} clips, {shape.group} responses of {shape.tokens} tokens"
    for stage in STAGES:
        yield Row(form, stage, median(took[stage] for took in steps.seconds), "s", note=note)
    whole = median(sum(took.values()) for took in steps.seconds)
    yield Row(form, "step", whole, "s", note=f"{note}; rewards left out")


def held(steps: Steps, form: str, rollout: Rollout) -> Iterator[Row]:
    """Yield gigabytes beside those of `tools.plan`."""
    setting, policy = steps.setting, steps.policy
    prompt = policy.encode(rollout.batch).mask.shape[1]
    recipe = setting.recipe(form, prompt)
    plan = {name: size / 1e9 for name, size in memory(recipe, setting.sizes()).items()}
    found = {
        "weights": taken(stored(policy)),
        "gradients": taken(steps.gradients),
        "AdamW": taken(moments(steps.optimizer)),
        "cache": taken(cached(policy, rollout, setting.shape.tokens)),
    }
    for name, size in found.items():
        yield Row(form, f"memory: {name}", size, "GB", plan[name])
    planned = {
        "sampling": plan["weights"] + plan["AdamW"] + plan["cache"] + plan["copied"],
        "learning": sum(plan.values()) - plan["cache"] - plan["copied"] - plan["runtime"],
    }
    for name, size in planned.items():
        peak = steps.peaks.get(name)
        note = PEAKS if peak is None else "what torch had given out, at the most"
        yield Row(form, f"memory: peak, {name}", peak, "GB", size, note)


def stored(policy: Nano) -> list[Tensor]:
    """Return the weights, and the scales of those in four bits."""
    weights: list[Tensor] = list(policy.model.parameters())
    states = [each.quant_state for each in weights if getattr(each, "quant_state", None)]
    return weights + [each.absmax for each in states] + [each.state2.absmax for each in states]


def moments(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """Return AdamW's two moments of each weight."""
    kept = optimizer.state.values()
    return [state[name] for state in kept for name in ("exp_avg", "exp_avg_sq")]


def cached(policy: Nano, rollout: Rollout, tokens: int) -> list[Tensor]:
    """Return keys and values of a whole rollout: all responses, as long as they may be."""
    with torch.no_grad():
        encoded = policy.encode(rollout.batch)
        prefix = policy.scorer.prefix(policy.language_model(), encoded, rollout.batch)
        prefix = prefix.detach().expand(rollout.group_size).preallocate(tokens)
    return [part for layer in prefix.cache.layers for part in layer.memory]


def apart(rollout: Rollout, logprobs: Tensor, form: str) -> Iterator[Row]:
    """Yield how far sampling and training are apart, and what GSPO would clip of it."""
    gap = (rollout.behavior - logprobs).abs()[rollout.mask]
    note = "random weights: those of a trained model differ"
    yield Row(form, "rollout gap, mean", gap.mean().item(), "nats a token", note=note)
    yield Row(form, "rollout gap, largest", gap.max().item(), "nats a token", note=note)
    even = torch.ones(rollout.finished.shape, device=logprobs.device)
    scored = ScoredRollout(rollout, {}, even, even)
    old = "ratios to what sampling computed, no weight changed in between"
    for what, each in (
        (old, scored),
        (
            "the same, to what training computes (emolit's)",
            recompute_old_logprobs(scored, logprobs, None),
        ),
    ):
        share = GSPO()(logprobs, each).stats["clipped"].item()
        yield Row(form, "GSPO clips", share, "share of responses", note=what)
