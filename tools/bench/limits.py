"""What a step cannot be faster than: its smallest work over what this machine can do."""

import time
from collections.abc import Callable
from statistics import median

import torch

from tools.bench.cases import BATCH, TEXT, TOWER, VOCABULARY, Case

FLOAT = 4
"""Bytes of a float32."""
WIDTH = int(TEXT["hidden_size"])
LAYERS = int(TEXT["num_hidden_layers"])
INNER = int(TEXT["intermediate_size"])
KEYS = WIDTH // int(TEXT["num_attention_heads"]) * int(TEXT["num_key_value_heads"])

Shapes = list[tuple[int, int, int, int]]
"""Matrix products ``[M, K] x [K, N]`` and how often each runs forward."""


def products(case: Case, prompt: int) -> Shapes:
    """Return the matrix products of one forward pass over each prompt and each response once.

    The last token of a response predicts nothing and passes no layer.
    """
    rows = BATCH * case.group
    tokens = BATCH * prompt + rows * (case.completion - 1)
    return [
        (tokens, WIDTH, WIDTH, 2 * LAYERS),
        (tokens, WIDTH, KEYS, 2 * LAYERS),
        (tokens, WIDTH, INNER, 2 * LAYERS),
        (tokens, INNER, WIDTH, LAYERS),
        (rows * case.completion, WIDTH, VOCABULARY, 1),
    ]


def attention_flops(case: Case, prompt: int) -> int:
    """Return the forward operations of causal attention, scores and sums."""
    steps = case.completion - 1
    pairs = prompt * (prompt + 1) // 2 + case.group * (steps * prompt + steps * (steps + 1) // 2)
    return 4 * WIDTH * LAYERS * BATCH * pairs


def tower_flops(case: Case) -> int:
    """Return the forward operations of the tower on each clip once; it pads to its window."""
    if not case.seconds:
        return 0
    width, inner, places = TOWER["d_model"], TOWER["encoder_ffn_dim"], TOWER["max_source_positions"]
    stem = 2 * 3 * width * places * (2 * TOWER["num_mel_bins"] + width)
    layer = 2 * places * (4 * width * width + 2 * width * inner) + 4 * places * places * width
    return BATCH * (stem + TOWER["encoder_layers"] * layer)


def update_flops(case: Case, prompt: int) -> int:
    """Return the fewest operations of forward and backward, the prompt's pass included."""
    dense = sum(2 * m * k * n * times for m, k, n, times in products(case, prompt))
    tower = tower_flops(case) * (1 if case.frozen else 3)
    return 3 * (dense + attention_flops(case, prompt)) + tower


def decode_bytes(case: Case, prompt: int) -> int:
    """Return what decoding must read: all weights once a token, and the cache behind it."""
    weights = LAYERS * (2 * WIDTH * WIDTH + 2 * WIDTH * KEYS + 3 * WIDTH * INNER)
    weights += VOCABULARY * WIDTH
    steps = range(case.completion)
    cache = sum(BATCH * case.group * (prompt + step) * 2 * KEYS * LAYERS for step in steps)
    return FLOAT * (case.completion * weights + cache)


def fastest(work: Callable[[], object], repeats: int = 5) -> float:
    """Return the median duration in seconds, the first one dropped."""
    taken = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return median(taken[1:])


def matmul_rate(shapes: Shapes) -> float:
    """Return operations a second over these products, each as often as it runs."""
    seconds = operations = 0.0
    for m, k, n, times in shapes:
        one, other = torch.randn(m, k), torch.randn(n, k)
        seconds += times * fastest(lambda a=one, b=other: torch.nn.functional.linear(a, b))
        operations += 2.0 * m * k * n * times
    return operations / seconds


def bandwidth(megabytes: int = 256) -> float:
    """Return bytes a second of reading memory that no cache holds."""
    block = torch.ones(megabytes * 2**20 // FLOAT)
    return FLOAT * block.numel() / fastest(block.sum)


def measured(case: Case, prompt: int) -> dict[str, float]:
    """Return the limits of the update and of decoding, in seconds."""
    rate, bytes_rate = matmul_rate(products(case, prompt)), bandwidth()
    return {
        "gflops_per_s": rate / 1e9,
        "gbytes_per_s": bytes_rate / 1e9,
        "update_s": update_flops(case, prompt) / rate,
        "decode_s": decode_bytes(case, prompt) / bytes_rate,
    }
