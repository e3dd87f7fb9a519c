"""Tokens a second of each rollout engine, beside what reading the weights and the cache allows."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import torch

from emolit.errors import RolloutError
from emolit.rollouts import RolloutEngine
from emolit.rollouts.eager import Eager
from emolit.rollouts.vllm_server import VLLMServer
from emolit.types import Sampling
from tools.gpu.rows import Row
from tools.gpu.setting import Setting

ROWS = (8, 64)
START = 240.0
"""Seconds that a server has to start."""
OPTIONS = (
    "--dtype",
    "bfloat16",
    "--logprobs-mode",
    "processed_logprobs",
    "--max-model-len",
    "1024",
)
OPTIONS += ("--gpu-memory-utilization", "0.5", "--host", "127.0.0.1")
OPTIONS += ("--limit-mm-per-prompt", '{"audio": 1}')


def eager(setting: Setting) -> Iterator[Row]:
    """Yield what the policy itself decodes, with adapters beside the weights and in them."""
    policy = setting.policy("lora")
    assert policy.lora is not None
    try:
        for merge in (False, True):
            policy.lora = replace(policy.lora, merge=merge)
            for rows in ROWS:
                name = f"Eager, adapters {'merged' if merge else 'beside'}"
                yield from speed(setting, Eager(), "lora", rows, name)
    finally:
        policy.lora = replace(policy.lora, merge=None)


def captured(setting: Setting) -> Iterator[Row]:
    """Yield what the policy itself decodes where each token is a CUDA graph."""
    name = "Eager, adapters merged, CUDA graph"
    if not setting.cuda:
        for rows in ROWS:
            yield Row("rollout", f"{name}, {rows} rows", None, note="CUDA graphs need CUDA")
        return
    policy = setting.policy("lora captured")
    assert policy.lora is not None
    policy.lora, policy.cuda_graph = replace(policy.lora, merge=True), True
    for rows in ROWS:
        yield from speed(setting, Eager(), "lora captured", rows, name)


def vllm(setting: Setting) -> Iterator[Row]:
    """Yield what a vLLM server decodes, its weights reloaded from the policy's once."""
    missing = "" if setting.vllm else "no command `vllm` is installed; give its path by --vllm"
    if not missing and find_spec("openai") is None:
        missing = "openai is not installed; `pip install 'emolit[rollouts]'`"
    if missing:
        for rows in ROWS:
            yield Row("rollout", f"VLLMServer, {rows} rows", None, note=missing)
        return
    folder = setting.folder / "published"
    folder.mkdir(exist_ok=True)
    policy = setting.policy("whole")
    with server(setting) as (url, took):
        yield Row("rollout", "VLLMServer, start of the server", took, "s")
        engine = VLLMServer([url], folder=str(folder), max_gap=None, wait=60.0)
        batch = setting.batch(1)
        _, sent = setting.timed(
            lambda: engine.draw(policy, batch, 1, Sampling(max_tokens=1), seed=0, step=0)
        )
        yield Row("rollout", "VLLMServer, first draw with all weights sent", sent, "s")
        for rows in ROWS:
            yield from speed(setting, engine, "whole", rows, "VLLMServer")


def speed(
    setting: Setting, engine: RolloutEngine, form: str, rows: int, name: str
) -> Iterator[Row]:
    """Yield the tokens a second behind the prompts: a long rollout less a short one."""
    policy, group = setting.policy(form), min(rows, 8)
    batch = setting.batch(rows // group)
    short, long = setting.shape.tokens // 4, setting.shape.tokens

    def draw(tokens: int) -> Callable[[], int]:
        def run() -> int:
            with torch.no_grad(), setting.mixed():
                found = engine.draw(
                    policy, batch, group, Sampling(max_tokens=tokens), seed=0, step=0
                )
            return int(found.mask.sum())

        return run

    draw(short)()
    fewer, quick = setting.timed(draw(short))
    more, slow = setting.timed(draw(long))
    prompt = policy.encode(batch).mask.shape[1]
    sizes = setting.sizes()
    read = 2 * (sizes.read + rows * (prompt + long / 2) * sizes.cached)
    bound = rows * setting.bandwidth / read
    rate = (more - fewer) / (slow - quick) if slow > quick else None
    note = "beside: all weights and the cache read once a token, at the bandwidth of a copy"
    if rate is None:
        note = "the longer rollout took no longer; measure again with nothing else running"
    yield Row("rollout", f"{name}, {rows} rows", rate, "tokens/s", bound, note)


@contextmanager
def server(setting: Setting) -> Iterator[tuple[str, float]]:
    """Run a vLLM server on the random weights; gives its address and the seconds of its start."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = setting.folder / "vllm.log"
    command = [str(setting.vllm), "serve", str(setting.checkpoint()), "--port", str(port), *OPTIONS]
    begun = time.monotonic()
    with log.open("w") as said:
        process = subprocess.Popen(
            ["env", "VLLM_SERVER_DEV_MODE=1", *command], stdout=said, stderr=said
        )
    try:
        url = f"http://127.0.0.1:{port}"
        await_server(url, process, log, min(begun + START, setting.end))
        yield url, time.monotonic() - begun
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def await_server(url: str, process: subprocess.Popen[bytes], log: Path, end: float) -> None:
    """Wait until a server answers.

    Args:
        url: Of the server.
        process: It.
        log: What it says.
        end: Until when.

    Raises:
        RolloutError: It has ended, or takes too long.
    """
    while time.monotonic() < end and process.poll() is None:
        try:
            with urlopen(f"{url}/v1/models", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.5)
    last = log.read_text(errors="replace").strip().splitlines()[-1:]
    raise RolloutError(f"vLLM did not start in time; its last line: {last}")
