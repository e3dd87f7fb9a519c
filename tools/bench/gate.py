"""The correctness gate of the benchmark: same numbers on fixed ids; started by bench.py."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from emolit.engine.prefix import prefill
from emolit.engine.scoring.logprobs import plain_logprobs, shared_logprobs
from emolit.objectives.grpo import GRPO
from emolit.policies.huggingface import HuggingFace
from emolit.types import Rollout, Sampling
from tools.bench import cases as shared
from tools.bench.ours import batches, policy_of, scored

Scored = tuple[Tensor, Tensor, dict[str, Tensor]]
"""Log-probabilities, loss, gradients by weight."""


def fixed(case: shared.Case) -> Rollout:
    """Return responses that do not depend on either side."""
    shape = (shared.BATCH, case.group, case.completion)
    tokens = torch.randint(16, 8000, shape, generator=torch.Generator().manual_seed(1))
    return Rollout(
        batch=batches(case)[0],
        tokens=tokens,
        mask=torch.ones(shape, dtype=torch.bool),
        behavior=torch.zeros(shape),
        finished=torch.zeros(shape[:2], dtype=torch.bool),
        responses=(("",) * case.group,) * shared.BATCH,
        sampling=Sampling(max_tokens=case.completion, stop=()),
    )


def ours(policy: HuggingFace, rollout: Rollout, score: Callable[[], Tensor]) -> Scored:
    """Return what emolit makes of responses, scored in one way."""
    policy.base.zero_grad()
    logprobs = score()
    behaved = replace(rollout, behavior=logprobs.detach())
    loss = GRPO(clip=0.2, kl=0.0)(logprobs, scored(behaved)).loss
    loss.backward()
    return logprobs.detach(), loss.detach(), gradients(policy.base)


def gradients(model: Any) -> dict[str, Tensor]:
    """Return copies of the gradients there are."""
    named = model.named_parameters()
    return {name: weight.grad.clone() for name, weight in named if weight.grad is not None}


def theirs(case: shared.Case, folder: Path, rollout: Rollout, prompt: Tensor) -> Scored:
    """Return what TRL makes of the same responses: text only, its own loss."""
    from tools.bench.trl import settings, text_trainer

    with tempfile.TemporaryDirectory() as place:
        trainer = text_trainer(case, folder, settings(case, 1, place))
    rows = rollout.tokens.flatten(0, 1)
    ids = torch.cat([prompt.repeat_interleave(case.group, 0), rows], dim=1)
    mask = torch.ones_like(ids)
    trainer.current_gradient_accumulation_steps = 1
    score = trainer._get_per_token_logps_and_entropies
    with torch.no_grad():
        logprobs = score(trainer.model, ids, mask, case.completion)[0]
    loss = trainer._compute_loss(
        trainer.model,
        {
            "prompt_ids": ids[:, : -case.completion],
            "prompt_mask": mask[:, : -case.completion],
            "completion_ids": rows,
            "completion_mask": torch.ones_like(rows),
            "advantages": scored(rollout).advantages.flatten(),
            "num_items_in_batch": torch.tensor(rows.numel()),
        },
    )
    loss.backward()
    return logprobs.view_as(rollout.tokens), loss.detach(), gradients(trainer.model)


def apart(one: Scored, other: Scored, advantages: Tensor) -> dict[str, float]:
    """Return the largest differences; the loss is measured on the scale of the advantages."""
    norm = torch.stack([value.norm() for value in other[2].values()]).norm()
    difference = torch.stack([(one[2][name] - value).norm() for name, value in other[2].items()])
    return {
        "logprobs": float((one[0] - other[0]).abs().max()),
        "loss": float((one[1] - other[1]).abs() / advantages.abs().mean()),
        "gradients": float(difference.norm() / norm) if one[2].keys() == other[2].keys() else 1.0,
    }


def side(case: shared.Case, folder: Path, _: int) -> dict[str, Any]:
    """Compare shared prompts with whole rows, and both with TRL where it can."""
    policy = policy_of(case, folder)
    policy.forbidden = policy.forbidden[:0]
    rollout = fixed(case)
    model, encoded = policy.language_model(), policy.encode(rollout.batch)
    rows = policy.encode(rollout.batch, case.group)
    one = ours(policy, rollout, lambda: shared_logprobs(model, prefill(model, encoded), rollout))
    plain = ours(policy, rollout, lambda: plain_logprobs(model, rows, rollout))
    advantages = scored(rollout).advantages
    found = {"whole rows": apart(one, plain, advantages)}
    if not case.seconds:
        other = theirs(case, folder, rollout, encoded.inputs["input_ids"])
        found["TRL"] = apart(one, other, advantages)
    return found


if __name__ == "__main__":
    shared.run(side)
