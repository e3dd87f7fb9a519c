"""What a run trains, how, and on what: as somebody says it, or as an experiment's file does."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.model_sizes import MODELS

CLASSES = {
    "Qwen2Audio": "qwen2_audio",
    "Qwen25Omni": "qwen25_omni",
    "Qwen3Omni": "qwen3_omni_30b",
}


@dataclass(frozen=True)
class Recipe:
    """What is trained, how, and on what.

    Attributes:
        model: One of `MODELS`.
        trains: ``full`` (float32 weights), ``lora`` (bfloat16 below) or ``qlora`` (nf4 below).
        gpus: In all.
        card: One of `CARDS`.
        sharded: Whether weights are shared out over the GPUs of a machine (`fsdp.yaml`).
        node: GPUs of a machine: weights are shared out over one, and repeated on the others.
        prompts: Clips a GPU and step.
        accumulated: Such steps before the optimizer's.
        group: Responses to each; 0 is imitation, with one reply.
        prompt_tokens: Of a clip and its question.
        response_tokens: Of a response, at the most.
        reference: Whether there is a frozen copy of what trains.
        checkpointing: Whether activations are computed again.
        rank: Of adapters.
        gather: What sharded weights are gathered by in a rollout: the ``model``, or a ``layer``.
    """

    model: str = "qwen2_audio"
    trains: str = "lora"
    gpus: int = 1
    card: str = "h100"
    sharded: bool = False
    node: int = 8
    prompts: int = 1
    accumulated: int = 1
    group: int = 8
    prompt_tokens: int = 336
    response_tokens: int = 64
    reference: bool = True
    checkpointing: bool = True
    rank: int = 16
    gather: str = "model"

    @property
    def rows(self) -> int:
        """Responses that a GPU decodes at once."""
        return self.prompts * max(1, self.group)

    @property
    def tokens(self) -> int:
        """Tokens that pass through the layers for the gradient: prompts once, and responses."""
        return self.prompts * self.prompt_tokens + self.rows * self.response_tokens


def recipe_of(path: Path) -> Recipe:
    """Return the recipe of an experiment's file, on one GPU.

    A policy in bfloat16 has adapters, as in the shipped experiments.
    """
    node = yaml.safe_load(path.read_text(encoding="utf-8"))
    task = node["model"]["init_args"]

    def settings(name: str) -> dict[str, Any]:
        part = task.get(name) or {}
        if isinstance(part, str):
            part = yaml.safe_load((path.parent / part).read_text(encoding="utf-8"))
        return {"class_path": part.get("class_path"), **(part.get("init_args") or {})}

    policy, objective = settings("policy"), settings("objective")
    model = CLASSES.get(policy["class_path"])
    if model is None:
        raise SystemExit(
            f"error: {path} trains {policy['class_path']}, whose sizes are not known here; name "
            f"one of {', '.join(MODELS)} by --model."
        )
    if "3B" in policy["checkpoint"]:
        model = "qwen25_omni_3b"
    lora = policy.get("lora") or {}
    adapted = bool(lora) or policy.get("dtype") == "bfloat16"
    sampled = "ReinforcementFinetuning" in node["model"]["class_path"]
    return Recipe(
        model=model,
        trains="qlora" if lora.get("quantize") else "lora" if adapted else "full",
        prompts=node["data"]["init_args"]["loading"]["batch_size"],
        accumulated=node["trainer"].get("accumulate_grad_batches", 1),
        group=task.get("group_size", 8) if sampled else 0,
        response_tokens=task["sampling"]["max_tokens"],
        reference=bool(objective.get("kl")),
        checkpointing=bool(policy.get("gradient_checkpointing")),
        rank=lora.get("rank", 16),
        gather=policy.get("gather", "model"),
    )
