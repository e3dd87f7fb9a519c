"""What a run trains, how, and on what: as somebody says it, or as an experiment's file does."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.model_sizes import MODELS

RELEASES = {
    "Qwen2-Audio-7B": "qwen2_audio",
    "Qwen2.5-Omni-7B": "qwen25_omni",
    "Qwen2.5-Omni-3B": "qwen25_omni_3b",
    "Qwen3-Omni-30B-A3B": "qwen3_omni_30b",
}
"""What names of checkpoints hold, and the model of that size."""


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
        merge: Whether weights and adapters are copied for sampling, as one product.
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
    merge: bool = True

    @property
    def parts(self) -> int:
        """Into how many parts weights are shared out."""
        return min(self.gpus, self.node) if self.sharded else 1

    @property
    def number(self) -> int:
        """Bytes of a number in the cache, and between layers.

        Under bf16-mixed autocast leaves them in float32 where weights are; FSDP2 casts the weights.
        """
        return 4 if self.trains == "full" and not self.sharded else 2

    @property
    def copies(self) -> bool:
        """Whether layers are copied for sampling, be it for validations alone: joined, or cast."""
        return not self.sharded and (
            self.trains == "full" or (self.trains == "lora" and self.merge)
        )

    @property
    def rows(self) -> int:
        """Responses that a GPU decodes at once."""
        return self.prompts * max(1, self.group)

    @property
    def tokens(self) -> int:
        """Tokens that pass through the layers for the gradient: prompts once, and responses."""
        return self.prompts * self.prompt_tokens + self.rows * self.response_tokens


def recipe_of(path: Path, model: str | None = None) -> Recipe:
    """Return the recipe of an experiment's file, on one GPU.

    A policy in bfloat16 has adapters, as in the shipped experiments.

    Args:
        path: Of the file.
        model: One of `MODELS`; None finds out which one the experiment trains.

    Raises:
        SystemExit: The file trains nothing, or a model whose sizes are not known.
    """
    node = read(path)
    task = node["model"]["init_args"]
    policy, objective = settings(path, task, "policy"), settings(path, task, "objective")
    loading = node["data"]["init_args"].get("loading") or {}
    if "batch_size" not in loading:
        raise SystemExit(
            f"error: {path} names no `batch_size`, as a test does not; give the experiment that "
            "trains, such as a grpo.yaml or sft.yaml."
        )
    lora = policy.get("lora") or {}
    adapted = bool(lora) or policy.get("dtype") == "bfloat16"
    sampled = "ReinforcementFinetuning" in node["model"]["class_path"]
    return Recipe(
        model=model or trained_model(path),
        trains="qlora" if lora.get("quantize") else "lora" if adapted else "full",
        prompts=loading["batch_size"],
        accumulated=node["trainer"].get("accumulate_grad_batches", 1),
        group=task.get("group_size", 8) if sampled else 0,
        response_tokens=task["sampling"]["max_tokens"],
        reference=bool(objective.get("kl")),
        checkpointing=bool(policy.get("gradient_checkpointing")),
        rank=lora.get("rank", 16),
        gather=policy.get("gather", "model"),
        merge=lora.get("merge") is not False and not lora.get("dora"),
    )


def read(path: Path) -> dict[str, Any]:
    """Return an experiment's file."""
    node = yaml.safe_load(path.read_text(encoding="utf-8"))
    parts = node if isinstance(node, dict) else {}
    if not {"trainer", "data"} <= parts.keys() or "class_path" not in (parts.get("model") or {}):
        raise SystemExit(
            f"error: {path} is no experiment, which has `trainer`, `data`, and a `model` with its "
            "`class_path`; give one, such as configs/experiments/emo_rl/meld/grpo.yaml."
        )
    return parts


def settings(path: Path, task: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the arguments of a part of a task, which may stand in a file of its own."""
    part = task.get(name) or {}
    if isinstance(part, str):
        part = yaml.safe_load((path.parent / part).read_text(encoding="utf-8"))
    return part.get("init_args") or {}


def trained_model(path: Path) -> str:
    """Return the one of `MODELS` whose release an experiment, or its warm start, begins with.

    A class says no size: small models that are put together have the class of a 7B. A checkpoint
    ``runs/mine/sft/best`` is that of sft.yaml beside the file, where this writes to that folder.
    """
    start, checkpoint, seen = path, "", set[Path]()
    while start not in seen and start.is_file():
        node = read(start)
        if seen and node["trainer"].get("default_root_dir") != str(Path(checkpoint).parent):
            break
        seen.add(start)
        found = settings(start, node["model"]["init_args"], "policy").get("checkpoint")
        checkpoint = str(found or "weights of its own")
        for release, model in RELEASES.items():
            if release in checkpoint:
                return model
        start = path.with_name(f"{Path(checkpoint).parent.name}.yaml")
    raise SystemExit(
        f"error: {path} begins with {checkpoint}, whose sizes are not known here; name one of "
        f"{', '.join(MODELS)} by --model."
    )
