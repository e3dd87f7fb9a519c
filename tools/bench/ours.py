"""The emolit side of the benchmark: its policy, engine and objective; started by bench.py."""

import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor

from emolit.advantages import standardized
from emolit.engine.weights.checkpoint import load_model
from emolit.objectives.grpo import GRPO
from emolit.policies.huggingface import HuggingFace
from emolit.policies.qwen2_audio import Qwen2Audio
from emolit.rewards.base import BatchedReward
from emolit.rewards.correct import Correct
from emolit.rewards.well_formed import WellFormed
from emolit.tasks.curves import curves, sums
from emolit.tasks.totals import mask_incomplete, weighted_sum
from emolit.types import Batch, Clip, Rollout, Sampling, ScoredRollout
from tools.bench import cases as shared
from tools.bench import limits as bench_limits


class Text(HuggingFace):
    """The same policy for prompts without audio."""

    auto_class = "AutoModelForCausalLM"

    def build(self, reference: bool, seed: int) -> None:
        """Load a model and a tokenizer instead of a processor."""
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(self.checkpoint, padding_side="left")
        self.processor = SimpleNamespace(tokenizer=tokenizer)
        self.model = load_model(self.checkpoint, self.auto_class, self.dtype)
        self._look_up_tokens()
        self.eval()

    def closing(self) -> str:
        """Return nothing: these prompts are bare text, without a chat template."""
        return ""

    def _inputs(self, batch: Batch) -> dict[str, Tensor]:
        """Return token ids."""
        tokenizer = self.processor.tokenizer
        return dict(tokenizer(list(batch.questions), return_tensors="pt", padding=True))


def policy_of(case: shared.Case, folder: Path) -> HuggingFace:
    """Load the model; of its tokens only the end and the placeholder are never drawn."""
    policy: HuggingFace
    if case.seconds:
        freeze = ["audio_tower"] if case.frozen else []
        policy = Qwen2Audio(str(folder / "audio"), freeze=freeze)
    else:
        policy = Text(str(folder / "text"))
    policy.build(reference=False, seed=0)
    policy._checked = True  # the look at the network, once a run, would be counted as a step's work
    names = [shared.END, shared.AUDIO] if case.seconds else [shared.END]
    banned = policy.processor.tokenizer.convert_tokens_to_ids(names)
    policy.forbidden = torch.tensor(sorted(banned))
    return policy


def batches(case: shared.Case) -> list[Batch]:
    """Return batches of two prompts, in order."""
    waves = shared.clips(case.seconds) if case.seconds else []
    asked = [shared.QUESTION] * len(waves) or shared.prompts(case.prompt)
    made = []
    for start in range(0, len(asked), shared.BATCH):
        rows = range(start, start + shared.BATCH)
        made.append(
            Batch(
                clips=tuple(Clip(str(row), "bench", f"{row}.wav", "sad") for row in rows),
                questions=tuple(asked[row] for row in rows),
                targets=(None,) * shared.BATCH,
                options=(),
                waveforms=tuple(waves[row] for row in rows if waves),
                sampling_rate=shared.RATE,
            )
        )
    return made


def scored(rollout: Rollout) -> ScoredRollout:
    """Add rewards and advantages, for the gate."""
    total = shared.reward(rollout.tokens)
    return ScoredRollout(rollout, {"even": total}, total, standardized(total))


class Even(BatchedReward):
    """What both sides train for: the share of even token ids."""

    def score_all(self, rollout: Rollout) -> Tensor:
        """Return ``[B, G]``."""
        return shared.reward(rollout.tokens)


class Rewards:
    """All that rewards cost in a step: scores, weighted sum, curves, and writing these down.

    Beside the one that trains, two that read each response are watched, as runs have them.
    """

    def __init__(self, folder: Path) -> None:
        watched = (Correct(weight=0.0), WellFormed("<answer>…</answer>", weight=0.0))
        self.rewards = (Even(), *watched)
        self.logger = TensorBoardLogger(folder, name=None)
        self.seconds: list[float] = []

    def __call__(self, rollout: Rollout, step: int) -> ScoredRollout:
        """Add rewards and advantages."""
        began = time.perf_counter()
        scores = {reward.name: reward(rollout) for reward in self.rewards}
        values = mask_incomplete(self.rewards, scores)
        total = weighted_sum(self.rewards, values)
        found = ScoredRollout(rollout, values, total, total)
        shown = curves(self.rewards, sums(self.rewards, found), progress=0.0)
        self.logger.log_metrics({name: value.item() for name, value in shown.items()}, step)
        self.seconds.append(time.perf_counter() - began)
        return replace(found, advantages=standardized(total))


class Stages:
    """Takes the time of the parts of a step: prefill, decoding, update."""

    def __init__(self, policy: HuggingFace) -> None:
        self.seconds: list[dict[str, float]] = []
        self.prefill = 0.0
        self._prefix = policy.scorer.prefix
        policy.scorer.prefix = self._timed  # type: ignore[method-assign]  # to time it

    def _timed(self, *given: Any) -> Any:
        began = time.perf_counter()
        prefix = self._prefix(*given)
        self.prefill = time.perf_counter() - began
        return prefix

    def note(self, began: float, sampled: float, ended: float, rewards: float) -> None:
        """Keep the parts of one step; rewards are a part of the update."""
        decode = sampled - began - self.prefill
        update = ended - sampled
        part = {"prefill": self.prefill, "decode": decode, "update": update, "rewards": rewards}
        self.seconds.append(part)


def side(case: shared.Case, folder: Path, steps: int) -> dict[str, Any]:
    """Train for some steps and return times, memory and counts."""
    policy, made = policy_of(case, folder), batches(case)
    weights = [weight for weight in policy.base.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=shared.LEARNING_RATE, weight_decay=0.0)
    objective, stages, rewards = GRPO(clip=0.2, kl=0.0), Stages(policy), Rewards(folder)
    sampling = Sampling(max_tokens=case.completion, stop=())
    counts, clock = shared.Counts(policy.base, case.prompt), shared.Clock()
    counts.open()
    for step in range(steps + 1):
        batch = made[step % len(made)]
        clock.start()
        began = time.perf_counter()
        rollout = policy.sample(batch, case.group, sampling, seed=0, step=step)
        rollout = replace(rollout, answers=tuple((None,) * case.group for _ in batch.clips))
        sampled = time.perf_counter()
        loss = objective(policy.logprobs(rollout), rewards(rollout, step)).loss
        counts.backward = True
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        clock.stop()
        stages.note(began, sampled, time.perf_counter(), rewards.seconds[-1])
        counts.close()
    return {
        **clock.record(),
        "counts": {**counts.seen, "prompt": counts.prompt},
        "stages": stages.seconds[1:],
        "limits": bench_limits.measured(case, counts.prompt),
    }


if __name__ == "__main__":
    shared.run(side)
