"""The card itself: how fast memory is copied, and whether attention has gradients that are numbers.

The second is https://github.com/pytorch/pytorch/issues/196678: on H100 and H200 cuDNN's attention
gives NaN as the gradient of queries where a mask is given, the length is 64 beyond a multiple of
128, and what a query sees has a log of its sum of exponentials below -88.7.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from emolit.compat.torch import avoid_cudnn_attention
from tools.gpu.rows import Row
from tools.gpu.setting import Setting

LENGTH, WIDTH, LOW = 704, 64, -120.0
ODD = "gradients that are no numbers"
COPIED = {"cuda": 2**32, "cpu": 2**24}
"""Bytes of the tensor that is copied."""
ROUNDS = 10


def bandwidth(setting: Setting) -> Iterator[Row]:
    """Yield the bytes a second that a copy reads and writes; decoding is held against it."""
    source = torch.zeros(COPIED[setting.device.type], dtype=torch.uint8, device=setting.device)
    target = torch.empty_like(source)
    setting.timed(lambda: target.copy_(source))
    took = min(setting.timed(lambda: target.copy_(source))[1] for _ in range(ROUNDS))
    setting.bandwidth = 2 * len(source) / took
    yield Row("card", "bandwidth of a copy", setting.bandwidth / 1e9, "GB/s")


def weights(setting: Setting) -> Iterator[Row]:
    """Yield the seconds to make random weights on the device and to write them to the disk."""
    _, took = setting.timed(setting.checkpoint)
    yield Row("card", "random weights made and written", took, "s")


def cudnn(setting: Setting) -> Iterator[Row]:
    """Yield how many gradients are no numbers by cuDNN's attention."""
    if not setting.cuda:
        yield Row("attention", f"{ODD}, cuDNN", None, note="cuDNN's attention needs CUDA")
        return
    with sdpa_kernel(SDPBackend.CUDNN_ATTENTION):
        odd = broken(setting.device)
    yield Row("attention", f"{ODD}, cuDNN", odd, f"of {LENGTH * WIDTH}", note="pytorch 196678")


def attention(setting: Setting) -> Iterator[Row]:
    """Yield how many are none as a policy computes."""
    avoid_cudnn_attention()  # as each policy does when it is made
    off = not torch.backends.cuda.cudnn_sdp_enabled()
    note = "cuDNN's attention is off" if off else "cuDNN's attention is ON"
    odd = broken(setting.device)
    yield Row("attention", f"{ODD}, emolit", odd, f"of {LENGTH * WIDTH}", 0.0, note)


def broken(device: torch.device) -> float:
    """Return how many numbers of a query's gradient are none, where all logits are about -120."""
    made = torch.Generator().manual_seed(0)

    def noise(scale: float) -> Tensor:
        drawn = torch.randn(1, 1, LENGTH, WIDTH, generator=made) * scale
        return drawn.to(device, torch.bfloat16)

    query, key, value = noise(0.1), noise(0.1), noise(1.0)
    query[..., 0], key[..., 0] = 1.0, LOW * math.sqrt(WIDTH)
    query.requires_grad_()
    mask = torch.ones(LENGTH, LENGTH, dtype=torch.bool, device=device).tril()[None, None]
    said = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    said.backward(noise(1.0))
    assert query.grad is not None
    return float((~query.grad.isfinite()).sum())
