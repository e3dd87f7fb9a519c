"""The real vLLM as a process of its own, on CPUs, and checkpoints small enough for it."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from safetensors.torch import load_file, save_file

from emolit.engine.weights.publishing import PublishedWeights
from emolit.policies.huggingface import HuggingFace
from emolit.policies.nano import NanoSize, write_nano
from emolit.rollouts.vllm_server import VLLMServer

ROOT = Path(__file__).parents[2]
PYTHON = Path(os.environ.get("VLLM_PYTHON", ROOT / ".venv-vllm/bin/python"))
"""Of an environment with tools/locks/vllm.txt; `make test-vllm` makes it."""
SETTINGS = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_SERVER_DEV_MODE": "1",
    "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",
    "VLLM_EXECUTE_MODEL_TIMEOUT_SECONDS": "1200",
    "TORCH_COMPILE_DISABLE": "1",  # a compiler for kernels that run some hundred times
    "OMP_NUM_THREADS": "1",
}
OPTIONS = ["--dtype", "float32", "--max-model-len", "512", "--max-num-seqs", "64"]
OPTIONS += ["--enforce-eager", "--logprobs-mode", "processed_logprobs", "--host", "127.0.0.1"]
OPTIONS += ["--block-size", "32", "--num-gpu-blocks-override", "128"]
START = 420.0
"""Seconds that a server may take to start on two busy cores."""


class VLLMProcess:
    """A server that can be killed and started again at the same address.

    Args:
        checkpoint: What it serves.
        log: File for what it says.
        options: Further ones.
    """

    def __init__(self, checkpoint: Path, log: Path, *options: str) -> None:
        self.checkpoint, self.log, self.options = checkpoint, log, options
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self, wait: bool = True) -> None:
        module = "vllm.entrypoints.openai.api_server"  # vllm-cpu's own command finds no `vllm`
        command = [str(PYTHON), "-m", module, "--model", str(self.checkpoint)]
        command += ["--port", str(self.port), *OPTIONS, *self.options]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                env=os.environ | SETTINGS,
                start_new_session=True,
            )
        if wait:
            self.await_health()

    def await_health(self) -> None:
        end = time.monotonic() + START
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            try:
                with urlopen(f"{self.url}/health", timeout=5) as reply:
                    if reply.status == 200:
                        return
            except (URLError, OSError):
                time.sleep(0.5)
        raise TimeoutError(self.log.read_text()[-3000:])

    def kill(self) -> None:
        """End it at once, and its workers."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Unsynced(VLLMServer):
    """Publishes the first weights alone."""

    first: PublishedWeights | None = None

    def _publish(self, policy: HuggingFace) -> PublishedWeights:
        self.first = self.first or super()._publish(policy)
        return self.first


def write_sharp_nano(folder: Path) -> Path:
    """Write a Nano that vLLM's CPU attention takes, and whose sound moves what it says.

    Heads are of 32, the window is Whisper's 30 s; the weights of the initialization are so flat
    that any two models would agree.
    """
    size = NanoSize(seconds=30, width=128, heads=4, layers=2, tower_width=64)
    made = write_nano(folder, size, seed=0)
    sharpen(made, 4.0)
    return made


def sharpen(folder: Path, factor: float) -> None:
    """Scale the matrices of a checkpoint."""
    file = folder / "model.safetensors"
    weights = load_file(file)
    scaled = {
        name: value * factor if value.dim() == 2 and "embed" not in name else value
        for name, value in weights.items()
    }
    save_file(scaled, file, metadata={"format": "pt"})
