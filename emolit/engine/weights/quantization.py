"""Four-bit weights under adapters: QLoRA, https://arxiv.org/abs/2305.14314."""

import re
from importlib.util import find_spec
from typing import Any

import torch

from emolit.errors import PolicyError


def four_bit(targets: list[str] | str, kind: str, dtype: str) -> Any:
    """Return what tells transformers to load the layers that carry adapters in four bits.

    All others, such as tower, projector and head, keep their type. Scales are quantized too
    (section 3 of the paper, *double quantization*); the paper's paged optimizer is not used.

    Args:
        targets: Names or one regular expression of these layers.
        kind: The four-bit type: ``nf4``.
        dtype: That a layer computes in.

    Raises:
        PolicyError: bitsandbytes is not installed.
    """
    if find_spec("bitsandbytes") is None:
        raise PolicyError(
            f"`lora.quantize` is {kind!r}, which needs bitsandbytes; install `emolit[qlora]`, or "
            "set it to null."
        )
    from transformers import BitsAndBytesConfig

    if not isinstance(targets, str):
        targets = rf"(?:.*\.)?(?:{'|'.join(map(re.escape, targets))})"
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=kind,
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=getattr(torch, dtype),
        llm_int8_skip_modules=[rf"(?!(?:{targets})$).*"],
    )


def keep_differentiable(model: Any) -> None:
    """Keep four-bit layers from packing their weights for inference.

    On CPUs with AVX512-BF16 bitsandbytes does so in evaluation mode, in which a policy always is;
    packed layers compute in bfloat16 and lose the gradient of their input.
    """
    for layer in model.modules():
        if hasattr(layer, "support_avx512bf16_for_cpu"):
            layer.support_avx512bf16_for_cpu = False
