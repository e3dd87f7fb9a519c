"""Adapters through peft: fresh ones, trained ones, and what the reference is beside them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pickle import UnpicklingError
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from emolit.compat.torch import map_tree
from emolit.compat.transformers import why_not
from emolit.engine.weights.quantization import four_bit
from emolit.engine.weights.reference import Reference, adapters_off, twin_adapter
from emolit.errors import ConfigError, PolicyError


@dataclass(frozen=True)
class Lora:
    """Low-rank adapters through peft; dropout is 0 always.

    Attributes:
        rank: Of the update.
        alpha: The update is scaled by alpha / rank.
        targets: Names or one regular expression of linear layers; None takes the policy's own.
        train: Names of modules that train in full beside the adapters, such as the projector;
            peft calls them ``modules_to_save``.
        dora: Decompose the update into magnitude and direction (arXiv 2402.09353).
        quantize: Keep the weights below the adapters in four bits, ``nf4`` (arXiv 2305.14314);
            needs ``emolit[qlora]``. A trained adapter finds its base as it was only if this is
            set again.
        merge: Sample with weights and plain adapters as one product: about half the kernels a
            token, and memory for these weights once more. None does so where it can be: nothing
            that is sharded, in four bits or has another form. True insists; false saves memory.
    """

    rank: int = 16
    alpha: int = 32
    targets: list[str] | str | None = None
    train: list[str] = field(default_factory=list)
    dora: bool = False
    quantize: Literal["nf4"] | None = None
    merge: bool | None = None

    def __post_init__(self) -> None:
        """Refuse to merge what cannot be.

        Raises:
            ConfigError: It is asked for.
        """
        if self.merge and (self.dora or self.quantize):
            raise ConfigError(
                "`lora.merge` joins plain adapters with whole weights, but "
                f"`{'dora' if self.dora else 'quantize'}` is set, too; leave one of them out."
            )

    def four_bit(self, targets: list[str] | str, dtype: str) -> Any:
        """Return how transformers shall quantize what carries adapters; None leaves it.

        Args:
            targets: The policy's own.
            dtype: That a layer computes in.
        """
        return self.quantize and four_bit(self.targets or targets, self.quantize, dtype)


def fresh_adapter(
    base: Any, lora: Lora, targets: list[str] | str, seed: int, twin: bool = False
) -> tuple[Any, Reference]:
    """Wrap a base in new adapters; the reference is the base with these off, or a frozen twin.

    Both say the same, since a new adapter adds nothing; only the twin can move.

    Args:
        base: The model below.
        lora: Settings.
        targets: The policy's own, where ``lora`` names none.
        seed: Of the new weights.
        twin: Whether the reference will move.

    Raises:
        PolicyError: No layer of the base is a target.
    """
    from peft import LoraConfig, get_peft_model

    settings = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        target_modules=layer_names(base, lora.targets or targets),
        modules_to_save=lora.train or None,
        use_dora=lora.dora,
        lora_dropout=0.0,
        task_type="CAUSAL_LM",
    )
    widen(base, lora.train)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = get_peft_model(base, settings)
    return model, twin_adapter(model) if twin else adapters_off(model)


def layer_names(base: Any, targets: list[str] | str) -> list[str]:
    """Return a list as it is, and for a regular expression the layers whose whole names match.

    For mixtures of experts peft makes bare names of an expression, which then match layers of the
    audio tower as well; whole names match themselves only.

    Raises:
        PolicyError: None does.
    """
    if not isinstance(targets, str):
        return targets
    layers = [name for name, part in base.named_modules() if isinstance(part, nn.Linear)]
    found = [name for name in layers if re.fullmatch(targets, name)]
    if not found:
        raise PolicyError(
            f"No linear layer of {type(base).__name__} matches the targets {targets!r}; its layers "
            f"have names such as {layers[-1]!r}. Set `lora.targets`."
        )
    return found


def trained_adapter(
    base: Any, folder: str, given: dict[str, Any], lora: Lora | None, twin: bool
) -> tuple[Any, Reference | None]:
    """Wrap a base in a trained adapter; the reference is a frozen twin of it, if one is wanted.

    Args:
        base: The model below.
        folder: Of the adapter.
        given: Its ``adapter_config.json``.
        lora: What the config asks for; None takes what is there.
        twin: Whether a reference is wanted.

    Raises:
        PolicyError: The config asks for something else.
    """
    if given.get("peft_type") != "LORA":
        raise PolicyError(
            f"The adapter in {folder!r} is of the kind {given.get('peft_type')!r}; only LORA "
            "adapters go on training here. Merge it into its base first."
        )
    if lora is not None:
        asked = {
            "rank": lora.rank,
            "alpha": lora.alpha,
            "train": lora.train,
            "dora": lora.dora,
        }
        found = {
            "rank": given.get("r"),
            "alpha": given.get("lora_alpha"),
            "train": given.get("modules_to_save") or [],
            "dora": given.get("use_dora"),
        }
        if isinstance(lora.targets, list):  # peft rewrites an expression
            asked["targets"] = sorted(lora.targets)
            found["targets"] = sorted(given.get("target_modules") or [])
        if asked != found:
            raise PolicyError(
                f"The adapter in {folder!r} was trained with {found}, "
                f"but `lora` asks for {asked}; make them equal or leave `lora` out."
            )
    widen(base, given.get("modules_to_save") or [])
    model = open_adapter(base, folder, trainable=True)
    return model, twin_adapter(model) if twin else None


def open_adapter(base: Any, folder: str, trainable: bool = False) -> Any:
    """Return a base in the adapter of a folder; one without memory opens no weights of it either.

    Raises:
        PolicyError: Its settings are none of peft's, or its weights are something else.
    """
    from peft import PeftConfig, PeftModel, get_peft_model

    if next(base.parameters()).is_meta:
        settings = PeftConfig.from_pretrained(folder)
        settings.inference_mode = not trainable
        return get_peft_model(base, settings)
    try:
        return PeftModel.from_pretrained(base, folder, is_trainable=trainable)
    except (UnpicklingError, SafetensorError, ValueError, TypeError) as error:
        raise PolicyError(f"The adapter in {folder!r} does not load: {why_not(error)}.") from error


def widen(base: Any, names: Sequence[str]) -> None:
    """Keep modules that will train in full in float32, over a base in any other precision.

    peft does so for what it adds, but copies these as they are. In bfloat16 a step of less than
    0.2% of a weight is rounded away: most steps, at the rates of finetuning. A weight that a module
    shares with others, as a head its embedding, stays with them as it is: what trains is a copy.

    Args:
        base: The model below.
        names: Ends of the modules' names, as peft reads ``modules_to_save``.
    """
    around = base.dtype  # before its own first weight may be one of these
    for name, part in base.named_modules():
        if not name.endswith(tuple(names)):
            continue
        kinds = {weight.dtype for weight in part.parameters() if weight.is_floating_point()}
        if kinds - {torch.float32}:
            part_from_others(part)
            part.float()
            part.register_forward_pre_hook(cast_in, with_kwargs=True)
            part.register_forward_hook(partial(cast_back, dtype=around))


def part_from_others(module: nn.Module) -> None:
    """Give a module weights that it shares with no other; those it shares with itself stay one."""
    own: dict[int, nn.Parameter] = {}
    for part in module.modules():
        for name, weight in list(part.named_parameters(recurse=False, remove_duplicate=False)):
            if weight.is_floating_point():
                copied = nn.Parameter(weight.detach().clone(), requires_grad=weight.requires_grad)
                part.register_parameter(name, own.setdefault(id(weight), copied))


def cast_in(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Cast what goes into a module to its own precision, which Lightning may have changed since."""
    dtype = next(module.parameters()).dtype
    return cast((given, named), dtype)


def cast_back(_: nn.Module, _given: tuple[Any, ...], said: Any, dtype: torch.dtype) -> Any:
    """Cast what a module kept in float32 says to the precision of the network around it."""
    return cast(said, dtype)


def cast(values: Any, dtype: torch.dtype) -> Any:
    """Cast the numbers in a tree of values; token ids, masks and whatever else stay."""

    def one(value: Any) -> Any:
        number = isinstance(value, Tensor) and value.is_floating_point()
        return value.to(dtype) if number else value

    return map_tree(one, values)
