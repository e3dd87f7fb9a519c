"""How a run was trained, in words: rows of a table, taken from its saved config."""

from collections.abc import Iterator
from typing import Any

from emolit.engine.weights.selection import selection_text
from emolit.reporting.run import Run, argument, corpora_of, is_local, policy_node, read_json

Rows = list[tuple[str, str]]
SETTINGS = (
    ("precision", "precision"),
    ("clipped gradient norm", "gradient_clip_val"),
)
"""What is said of the trainer: a name for people, and the key."""


def recipe(run: Run, local: bool = True) -> Rows:
    """Return name and value of each thing that made the weights of a run.

    Args:
        run: One that was trained; of others nothing is told.
        local: Whether paths of this machine are shown.
    """
    config = run.trained
    if config is None:
        return []
    told = [
        *_task(config),
        *_start(run, local),
        *_policy(run, policy_node(config)),
        *_question(run),
    ]
    told += [*_learning(config["model"]), *_rollouts(config["model"]), *_settings(config)]
    return [*told, *_outcome(run)]


def _task(config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "task", name_of(config["model"])
    yield "training corpora", ", ".join(name_of(node) for node in corpora_of(config))


def _start(run: Run, local: bool) -> Iterator[tuple[str, str]]:
    start = run.start or "new random weights"
    hidden = not local and is_local(start)
    yield "start", "the weights of the stage before" if hidden else start


def _policy(run: Run, node: Any) -> Iterator[tuple[str, str]]:
    kept = run.weights is not None and (run.weights / "adapter_config.json").is_file()
    yield "policy", name_of(node)
    yield (
        "weights",
        f"{argument(node, 'dtype') or 'float32'}, {_trained(argument(node, 'lora'), kept)}",
    )
    if frozen := argument(node, "freeze"):
        yield "frozen", ", ".join(frozen)


def _trained(lora: dict[str, Any] | None, kept: bool) -> str:
    if lora is None:
        return "the adapter of the start" if kept else "the whole model"
    words = f"a LoRA adapter of rank {lora.get('rank', 16)} and alpha {lora.get('alpha', 32)}"
    return words + (f" over {lora['quantize']} weights" if lora.get("quantize") else "")


def _question(run: Run) -> Iterator[tuple[str, str]]:
    node = (run.trained or {}).get("prompt")
    yield "prompt", name_of(node)
    for name in ("question", "open_question", "request", "instruction"):
        if text := argument(node, name):
            yield name.replace("_", " "), str(text)
    if labels := (run.record or {}).get("labels"):
        yield "labels", ", ".join(labels)


def _learning(model: Any) -> Iterator[tuple[str, str]]:
    for name in ("objective", "advantage"):
        if node := argument(model, name):
            yield name, with_settings(node)
    rewards = argument(model, "rewards") or []
    if rewards:
        yield "rewards", ", ".join(map(_reward, rewards))
    for name in ("optimizer", "scheduler"):
        if node := argument(model, name):
            yield name, with_settings(node, ("lr", "weight_decay", "start_factor", "end_factor"))


def _reward(node: Any) -> str:
    weight = argument(node, "weight")
    return f"{name_of(node)} (weight {1.0 if weight is None else weight:g})"


def _rollouts(model: Any) -> Iterator[tuple[str, str]]:
    if (size := argument(model, "group_size")) is None:
        return
    drawn = argument(model, "sampling") or {}
    kept = ("temperature", "top_p", "top_k", "max_tokens")
    yield "responses a prompt", str(size)
    yield "sampling", ", ".join(f"{name} {drawn[name]}" for name in kept if name in drawn)
    if (engine := argument(model, "rollouts")) is not None:
        yield "sampled by", name_of(engine)


def _settings(config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    loading = argument(config.get("data"), "loading") or {}
    if "batch_size" in loading:
        yield "batch size", f"{loading['batch_size']} a process"
    if (batches := config["trainer"].get("accumulate_grad_batches") or 1) > 1:
        yield "accumulated batches", str(batches)
    for name, key in SETTINGS:
        if (value := config["trainer"].get(key)) is not None:
            yield name, str(value)
    yield "seed", str(config.get("seed_everything"))


def _outcome(run: Run) -> Iterator[tuple[str, str]]:
    if fit := run.fit:
        yield "optimizer steps", str(fit["steps"])
        yield "seconds of training and validation", f"{fit['seconds']:.0f}"
    chosen = read_json(run.weights / "selection.json") if run.weights else None
    if run.weights and chosen:
        yield f"weights in {run.weights.name}/", selection_text(chosen)
    if versions := (run.record or {}).get("versions"):
        yield "versions", ", ".join(f"{name} {release}" for name, release in versions.items())


def name_of(node: Any) -> str:
    """Return the name of a class in a config, or of a function.

    Example:
        >>> name_of({"class_path": "emolit.rewards.correct.Correct"}), name_of("emolit.grpo")
        ('Correct', 'grpo')
    """
    path = node.get("class_path", "") if isinstance(node, dict) else str(node or "none")
    return str(path).rpartition(".")[-1]


def with_settings(node: Any, names: tuple[str, ...] | None = None) -> str:
    """Return the name of a class and some of its arguments, by default all that are plain.

    Example:
        >>> with_settings({"class_path": "a.GRPO", "init_args": {"clip": 0.2, "kl": None}})
        'GRPO (clip 0.2)'
    """
    given = (node.get("init_args") or {}) if isinstance(node, dict) else {}
    shown = {name: given[name] for name in (names or given) if name in given}
    told = [
        f"{name} {value}" for name, value in shown.items() if isinstance(value, int | float | str)
    ]
    return name_of(node) + (f" ({', '.join(told)})" if told else "")
