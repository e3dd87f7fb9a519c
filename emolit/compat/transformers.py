"""What emolit relies on of transformers beyond its promises.

transformers is imported inside functions: it is slow, and most of emolit runs without it.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from emolit.errors import PolicyError

TOWERS = ("audio_tower", "vision_tower", "visual", "embed_audio")
"""Attributes that hold the towers of multimodal models."""
EYES = ("visual", "vision_tower", "vision_model", "embed_vision", "image_embed")
"""Attributes that hold what sees, and what leads from there."""


def version() -> str:
    """Return the installed release."""
    import transformers

    return str(transformers.__version__)


def why_not(error: Exception) -> str:
    """Return why a checkpoint does not load; no advice to run code that it brings.

    Relies on the argument ``trust_remote_code`` standing in the message that advises it, and on
    `torch.load` with ``weights_only`` raising an `UnpicklingError`.
    """
    if isinstance(error, UnpicklingError):
        return "its weights are a pickle that asks for more than weights; take safetensors"
    if "trust_remote_code" in str(error):
        return "it needs code that it brings along, and emolit runs no code of a checkpoint"
    return str(error)


def build_empty(factory: Any, source: str, dtype: torch.dtype) -> Any:
    """Return a model whose weights have shapes and no memory; buffers are there.

    Relies on ``_from_config``, and on a context in which weights are neither drawn nor tied.

    Args:
        factory: The class of transformers that opens the checkpoint.
        source: A folder or hub id.
        dtype: Of the weights.
    """
    from accelerate import init_empty_weights
    from transformers import AutoConfig, GenerationConfig
    from transformers.initialization import no_init_weights

    reader: Any = getattr(factory, "config_class", None) or AutoConfig
    config = reader.from_pretrained(source, trust_remote_code=False)
    make = getattr(factory, "from_config", None) or factory._from_config
    with no_init_weights(), init_empty_weights(include_buffers=False):
        model = make(config, dtype=dtype)
    model.tie_weights()
    model.requires_grad_(True)  # as loading leaves it, whatever the architecture had frozen
    if model.can_generate():
        with suppress(OSError):  # without a file it follows from the config already
            model.generation_config = GenerationConfig.from_pretrained(source)
    return model.eval()


def delay_bars() -> None:
    """Show progress bars of transformers only where something takes long.

    Loading and writing a small model would draw one each time. Relies on the hook of its bars,
    which not every release has, and on tqdm's ``delay``, in seconds.
    """
    from transformers.utils import logging

    if hasattr(logging, "set_tqdm_hook"):
        logging.set_tqdm_hook(_delayed)


def _delayed(make: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    return make(*arguments, **{"delay": 5.0, **options})


def checkpointing_units(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return the names and modules of a network's layers, as transformers divides it.

    Relies on every layer that can be computed again being a ``GradientCheckpointingLayer``.
    """
    from transformers.modeling_layers import GradientCheckpointingLayer

    return [
        (name, module)
        for name, module in network.named_modules()
        if isinstance(module, GradientCheckpointingLayer)
    ]


def set_source(model: Any, folder: str) -> None:
    """Let a model, and an adapter that is saved from it, say where it came from.

    Relies on ``name_or_path``, which peft writes into adapters, and on its twin in the config.
    """
    model.name_or_path = model.config._name_or_path = folder


def settings_without_source(config: Any) -> dict[str, Any]:
    """Return a config as a dictionary, without where it came from; relies on the same twin."""
    settings: dict[str, Any] = config.to_dict()
    settings.pop("_name_or_path", None)
    return settings


@contextmanager
def overridden_setting(config: Any, name: str, value: object) -> Iterator[None]:
    """Let a model read another value in its config while the block runs.

    Relies on settings being attributes of the instance that the model reads at every call; they are
    written behind the check that a config makes of what is set on it.
    """
    settings = vars(config)
    before = settings[name]
    settings[name] = value
    try:
        yield
    finally:
        settings[name] = before


def set_attention(config: Any, like: Any) -> None:
    """Let one part of a network compute attention by the kernel of another.

    Relies on ``_attn_implementation``, which modules read of their part's config at every call, and
    which transformers leaves empty in parts that are no models of their own.
    """
    config._attn_implementation = like._attn_implementation


def template_beside_processor(source: str) -> str | None:
    """Return the chat template that stands beside the processor instead of the tokenizer.

    Relies on ``ProcessorMixin.get_processor_dict``, which reads it without making the processor.
    """
    from transformers import ProcessorMixin

    settings, _ = ProcessorMixin.get_processor_dict(source)
    template: str | None = settings.get("chat_template")
    return template


def class_of_checkpoint(source: str) -> Any:
    """Return the class that a checkpoint's weights are of, also one that transformers keeps inside.

    `AutoModel` would build a whole Whisper around the weights of its encoder, and leave them out.
    Relies on ``architectures`` of the config, and on the modules that model types have.

    Raises:
        PolicyError: There is no config that names one.
    """
    import transformers

    try:
        config = transformers.AutoConfig.from_pretrained(source, trust_remote_code=False)
        name = (config.architectures or ["AutoModel"])[0]
        if hasattr(transformers, name):
            return getattr(transformers, name)
        kind = config.model_type.replace("-", "_")
        return getattr(import_module(f"transformers.models.{kind}.modeling_{kind}"), name)
    except (OSError, ValueError, ImportError, AttributeError) as error:
        raise PolicyError(
            f"No model loads from the checkpoint {source!r} ({why_not(error)}); give a folder that "
            f"transformers {version()} opens, or a hub id."
        ) from error


def find_part(network: Any, path: str) -> Any:
    """Return a module of an architecture by its path, which no documentation names.

    Raises:
        PolicyError: The installed release calls it otherwise.
    """
    try:
        return network.get_submodule(path)
    except AttributeError as error:
        raise PolicyError(
            f"{type(network).__name__} of transformers {version()} has no module {path!r}, which "
            "its policy relies on; install a release that docs/compatibility.md lists."
        ) from error


def whisper_positions(length: int, width: int) -> Tensor:
    """Return the fixed positions of a Whisper tower, ``[length, width]``.

    Relies on the function by which transformers makes them.
    """
    from transformers.models.whisper.modeling_whisper import sinusoids

    made: Tensor = sinusoids(length, width)
    return made
