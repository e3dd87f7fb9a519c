"""What to do where a GPU has run out of memory, in the settings of the run."""

from typing import Any

from emolit.compat.peft import plain_layers


def out_of_memory(said: str, trainer: Any, task: Any, corpus: Any) -> str:
    """Return what was computed when memory ran out, and which settings take less.

    Args:
        said: What torch says.
        trainer: Lightning's.
        task: With policy and, where it samples, group size and sampling.
        corpus: With its settings of loading; None where a trainer has loaders alone.
    """
    training = not (trainer.validating or trainer.sanity_checking)
    loading = getattr(corpus, "loading", None)
    size = "batch_size" if training else "eval_batch_size"
    group = getattr(task, "group_size", None) if training else None
    tokens = getattr(getattr(task, "sampling", None), "max_tokens", None)
    what, less = [], []
    if training and getattr(task.policy, "gradient_checkpointing", None) is False:
        less.append("`model.policy.gradient_checkpointing: true`")
    samples = group is not None or not training
    if samples and merges(task.policy):
        less.append("`model.policy.lora.merge: false`")
    if loading is not None:
        clips = getattr(loading, size)
        what.append(f"{clips} clips of up to {loading.max_seconds:g} s")
        more = ", with `trainer.accumulate_grad_batches` raised as much" if training else ""
        less += [f"`loading.{size}` below {clips}{more}"] if clips > 1 else []
    if group is not None:
        what.append(f"{group} responses to each")
    if tokens is not None:
        what.append(f"up to {tokens} tokens a response")
        less.append(f"`model.sampling.max_tokens` below {tokens}")
    if group is not None and group > 2:
        less.append(f"`model.group_size` below {group}")
    if loading is not None:
        less.append(f"`loading.max_seconds` below {loading.max_seconds:g}")
    where = f"training step {trainer.global_step}" if training else "a validation"
    reason = said.partition("\n")[0].split(". ")[:2]
    return (
        f"Memory ran out in {where} ({'. '.join(reason).rstrip('.')}), with {', '.join(what)}. "
        f"Each of these takes less, the first ones change least: {'; '.join(less)}."
    )


def merges(policy: Any) -> bool:
    """Tell whether a policy samples with merged adapters, which take their layers once more."""
    copies = getattr(policy, "copies", False) and policy.adapts
    return copies and any(True for _ in plain_layers(policy.model))
