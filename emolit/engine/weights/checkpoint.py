"""Checkpoints come in: model and processor from a folder or a hub id, whole or not at all.

A checkpoint is data: code that it brings along (``auto_map``) is never run, and whatever is pickled
in it is read as weights alone (`torch.load` with ``weights_only``, the default of transformers).
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from torch.utils.checkpoint import checkpoint

from emolit.compat.torch import replace_forward
from emolit.compat.transformers import (
    build_empty,
    checkpointing_units,
    delay_bars,
    set_source,
    version,
    why_not,
)
from emolit.engine.weights.intact import check_intact, read_object
from emolit.engine.weights.parts import check_whole
from emolit.engine.weights.quantization import keep_differentiable
from emolit.errors import PolicyError

OURS = ("config.json", "adapter_config.json")
"""A folder of weights has one of them."""
KEPT = ("best", "last")
"""Where a run keeps its weights."""
LOADING = (
    OSError, ValueError, RuntimeError, ImportError, UnpicklingError, SafetensorError,
)  # fmt: skip
"""What transformers lets through where a checkpoint does not load."""


def check_there(checkpoint: str) -> None:
    """Refuse a path that leads to no whole weights; a hub id has one slash and no dot in front.

    Raises:
        PolicyError: It does, or a file there is damaged.
    """
    path = Path(checkpoint)
    if path.is_file():
        beside = path.with_suffix("")
        raise PolicyError(
            f"The checkpoint {checkpoint!r} is a file and a folder is needed; "
            + (f"take {str(beside)!r}, which lies beside it." if beside.is_dir() else "give one.")
        )
    looks_local = path.is_absolute() or checkpoint.startswith(".") or len(path.parts) > 2
    if looks_local and not path.is_dir():
        raise PolicyError(
            f"The checkpoint folder {checkpoint!r} is not there; train it first, or set "
            "`checkpoint` to a folder that holds a model or an adapter, or to a hub id."
        )
    within = [path / name for name in KEPT if any((path / name / file).is_file() for file in OURS)]
    if within and not any((path / file).is_file() for file in OURS):
        raise PolicyError(
            f"The checkpoint {checkpoint!r} is the folder of a run; the weights lie inside: take "
            f"{' or '.join(repr(str(each)) for each in within)}."
        )
    check_intact(path)


def source_of(checkpoint: str) -> tuple[str, dict[str, Any] | None]:
    """Return where the whole model is, and the settings of the adapter that the folder holds.

    Args:
        checkpoint: A whole model, whose settings are None, or an adapter, which names its base.

    Raises:
        PolicyError: One of them is a path that leads nowhere, or the adapter names no base.
    """
    check_there(checkpoint)
    settings = Path(checkpoint) / "adapter_config.json"
    if not settings.is_file():
        return checkpoint, None
    given = read_object(settings)
    source = given.get("base_model_name_or_path")
    if not isinstance(source, str):
        raise PolicyError(
            f"{settings} names no base: `base_model_name_or_path` is {source!r}. Get the "
            "checkpoint again."
        )
    check_there(source)
    return source, given


def load_processor(source: str) -> Any:
    """Load the processor and set what emolit relies on: left padding.

    Raises:
        PolicyError: There is none, its vocabulary is damaged, or it lacks the half that reads or
            the half that hears.
    """
    from transformers import AutoProcessor

    vocabulary = Path(source) / "tokenizer.json"
    if vocabulary.is_file():
        read_object(vocabulary)
    try:
        processor = AutoProcessor.from_pretrained(source, trust_remote_code=False)
    except (OSError, ValueError, ImportError) as error:
        raise PolicyError(
            f"No processor loads from the checkpoint {source!r} ({why_not(error)}); "
            "give a folder that holds model and processor, or a hub id."
        ) from error
    for part in ("tokenizer", "feature_extractor"):
        if not hasattr(processor, part):
            raise PolicyError(
                f"The processor of the checkpoint {source!r}, {type(processor).__name__}, has no "
                f"`{part}`; it needs a policy of its own, whose `load_processor` finds one."
            )
    processor.tokenizer.padding_side = "left"
    return processor


def load_model(
    source: str,
    auto_class: str,
    dtype: str,
    foreign: tuple[str, ...] = (),
    quantization: Any = None,
    empty: bool = False,
) -> Any:
    """Load the weights; missing or superfluous ones are an error.

    Args:
        source: A folder or hub id.
        auto_class: The class of transformers that opens it.
        dtype: Of the weights.
        foreign: Beginnings of the names of weights that a checkpoint may hold for other models.
        quantization: Settings of transformers for weights of fewer bits.
        empty: Open no weights: they have shapes and no memory, until another process sends them.

    Raises:
        PolicyError: The checkpoint is of another kind, in parts, or not whole, or the installed
            libraries do not open it.
    """
    import transformers

    delay_bars()
    check_whole(source)
    check_intact(source)
    factory = getattr(transformers, auto_class, None)
    if factory is None:
        raise PolicyError(
            f"transformers {version()} has no `{auto_class}`, which must open the "
            f"checkpoint {source!r}; install a newer one."
        )
    try:
        if empty:
            model, info = build_empty(factory, source, getattr(torch, dtype)), {}
        else:
            model, info = factory.from_pretrained(
                source,
                dtype=getattr(torch, dtype),
                output_loading_info=True,
                quantization_config=quantization,
                trust_remote_code=False,
            )
    except LOADING as error:
        raise PolicyError(
            f"No model loads from the checkpoint {source!r} ({why_not(error)}); "
            f"`{auto_class}` of transformers {version()} must open it."
        ) from error
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        names = map(str, info.get(kind, ()))
        wrong = sorted(name for name in names if not name.startswith(foreign))
        if wrong:
            raise PolicyError(
                f"The checkpoint {source!r} has {len(wrong)} {kind.replace('_', ' ')}, "
                f"such as {wrong[0]!r}, under transformers "
                f"{version()}; use a checkpoint of this architecture."
            )
    check_tied(model, source)
    keep_differentiable(model)
    if Path(source).is_dir():  # an adapter saved later must find its base from any folder
        set_source(model, str(Path(source).resolve()))
    return model


def check_tied(model: Any, source: str) -> None:
    """Refuse a head that should be the embedding and is not: it would be random.

    Raises:
        PolicyError: The installed transformers did not tie them.
    """
    tied = getattr(model.config.get_text_config(), "tie_word_embeddings", False)
    head, embedding = model.get_output_embeddings(), model.get_input_embeddings()
    if tied and head.weight.data_ptr() != embedding.weight.data_ptr():
        raise PolicyError(
            f"The checkpoint {source!r} ties its head to its embedding, but transformers "
            f"{version()} loaded them apart; install 5.17 or newer."
        )


def checkpoint_layers(model: Any) -> None:
    """Make the activations of layers again for the gradient instead of keeping them.

    Transformers does so in training mode only, in which layers that draw dropout themselves would
    draw it. Here it is done to the same layers, in whatever mode they are, wherever gradients are
    on. Where an architecture as a whole does not support it, its language model may.

    Args:
        model: A transformers model, its adapters inside.

    Raises:
        PolicyError: Neither does.
    """
    able = model if model.supports_gradient_checkpointing else model.get_decoder()
    if not able.supports_gradient_checkpointing:
        raise PolicyError(
            f"{type(model).__name__} cannot make activations again for the gradient; leave "
            "`gradient_checkpointing` out."
        )
    for _, layer in checkpointing_units(able):
        replace_forward(layer, RebuiltModel(layer.forward))


class RebuiltModel:
    """Stands in for a layer's ``forward``: its activations are made again where gradients are on.

    Args:
        run: The layer's own; it must not fill a cache while gradients are on.
    """

    def __init__(self, run: Callable[..., Any]) -> None:
        self.run = run

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Run the layer."""
        if not torch.is_grad_enabled():
            return self.run(*given, **named)
        return checkpoint(partial(self.run, **named), *given, use_reentrant=False)
