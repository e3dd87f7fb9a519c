"""A server with vLLM's routes that samples from a checkpoint by transformers alone, row by row.

It shares no code with the engine: every token is drawn behind a full pass over prompt and response.
"""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import soundfile
import torch
from peft import PeftModel
from transformers import AutoProcessor, Qwen2AudioForConditionalGeneration

BASE = "base"
LOADING = threading.Lock()
"""transformers patches its classes while it loads: two threads would leave them patched."""


def load(folder: Path | str) -> Any:
    with LOADING:
        made = Qwen2AudioForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
        return made.eval()


@dataclass
class FakeVLLM:
    """A server on this machine.

    Attributes:
        checkpoint: What it is started on.
        faults: What happens to the next chats, one after the other: ``500``, ``404``, ``400``,
            ``garbage``, ``half`` a body, ``hang`` up, ``abort``, ``bare`` of token ids; None is
            nothing.
        deaf: Says that it has loaded weights, and samples on with those before.
        broken: A route that fails.
        greeting: What it puts before each question, as another template would.
        asked: Bodies of chats.
        loads: Folders that it has loaded.
        resets: Caches that it has forgotten.
        naps: When it was told to sleep and to wake; asleep it answers no chat and loads nothing.
    """

    checkpoint: Path
    port: int = 0
    faults: list[str | None] = field(default_factory=list)
    deaf: bool = False
    broken: str = ""
    greeting: str = ""
    asked: list[dict] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    resets: list[str] = field(default_factory=list)
    naps: list[str] = field(default_factory=list)
    asleep: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start with the weights of the checkpoint, as a new process would."""
        self.processor = AutoProcessor.from_pretrained(self.checkpoint)
        self.networks = {BASE: load(self.checkpoint)}
        self.version = "default"
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                fake.take(self, None)

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                fake.take(self, json.loads(self.rfile.read(length) or "{}"))

            def log_message(self, *_) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False
            allow_reuse_address = True
            request_queue_size = 128

            def handle_error(self, *_) -> None:
                """Let clients go away."""

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def take(self, handler: BaseHTTPRequestHandler, body: Any) -> None:
        route = handler.path.partition("?")[0]
        if route != "/v1/chat/completions":
            with self.lock:
                status, said = self.manage(route, body)
            return self.reply(handler, status, json.dumps(said))
        with self.lock:
            self.asked.append(body)
            fault = self.faults.pop(0) if self.faults else None
            if fault is None or not fault.isdigit():
                known = body["model"] in self.networks and not self.asleep
                said = self.chat(body) if known else {"error": "no such model"}
        if fault and fault.isdigit():
            return self.reply(handler, int(fault), '{"error": "out of order"}')
        if not known:
            return self.reply(handler, 404, json.dumps(said))
        if fault == "abort":
            said["choices"][0]["finish_reason"] = "abort"
        if fault == "bare":
            del said["choices"][0]["token_ids"]
        text = "<html>garbage" if fault == "garbage" else json.dumps(said)
        if fault in ("half", "hang"):
            handler.send_response(200)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", str(len(text)))
            handler.end_headers()
            handler.wfile.write(text[: len(text) // 2 if fault == "half" else 0].encode())
            handler.close_connection = True
            return None
        return self.reply(handler, 200, text)

    def reply(self, handler: BaseHTTPRequestHandler, status: int, text: str) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(text.encode())))
        handler.end_headers()
        handler.wfile.write(text.encode())

    def manage(self, route: str, body: Any) -> tuple[int, Any]:
        """Answer what is no chat."""
        actions = {
            "/is_sleeping": lambda _: {"is_sleeping": self.asleep},
            "/v1/models": lambda _: {"data": [{"id": name} for name in self.networks]},
            "/weight_info": lambda _: {"weight_version": self.version},
            "/update_weight_version": self.rename,
            "/v1/load_lora_adapter": self.load_adapter,
            "/v1/unload_lora_adapter": lambda asked: self.networks.pop(asked["lora_name"]) and None,
            "/collective_rpc": self.reload,
        }
        if route == self.broken:
            return 500, {"error": "no such folder"}
        if route in ("/sleep", "/wake_up"):
            self.naps.append(route)
            self.asleep = route == "/sleep"
            return 200, ""
        if self.asleep and route in ("/collective_rpc", "/v1/load_lora_adapter"):
            return 500, {"error": "asleep"}
        if route.startswith("/reset_"):
            self.resets.append(route)
            return 200, {"success": True}
        return (200, actions[route](body)) if route in actions else (404, {"error": route})

    def rename(self, body: dict) -> None:
        self.version = body["new_version"]

    def load_adapter(self, body: dict) -> None:
        self.loads.append(body["lora_path"])
        network = load(self.checkpoint)
        if not self.deaf:
            network = PeftModel.from_pretrained(network, body["lora_path"]).eval()
        self.networks[body["lora_name"]] = network

    def reload(self, body: dict) -> None:
        assert body["method"] == "reload_weights"
        self.loads.append(body["kwargs"]["weights_path"])
        if not self.deaf:
            self.networks[BASE] = load(body["kwargs"]["weights_path"])

    @torch.no_grad()
    def chat(self, body: dict) -> dict:
        """Draw one response."""
        prompt = self.prompt(body)
        tokenizer, network = self.processor.tokenizer, self.networks[body["model"]]
        random = torch.Generator().manual_seed(body["seed"])
        bias = torch.zeros(network.config.get_text_config().vocab_size)
        for token, value in body["logit_bias"].items():
            bias[int(token)] = value
        tokens: list[int] = []
        told: list[float] = []
        reason = "length"
        for _ in range(body["max_completion_tokens"]):
            so_far = torch.tensor([tokens], dtype=torch.long)
            ids = torch.cat([prompt["input_ids"], so_far], dim=1)
            rows = {**prompt, "input_ids": ids, "attention_mask": torch.ones_like(ids)}
            logits = network(**rows).logits[0, -1].float() + bias
            logs = (logits / (body["temperature"] or 1.0)).log_softmax(-1)
            drawn = (
                logs.exp().multinomial(1, generator=random)
                if body["temperature"]
                else logs.argmax()
            )
            tokens.append(int(drawn))
            told.append(float(logs[tokens[-1]]))
            text = tokenizer.decode(tokens)
            if tokens[-1] in body["stop_token_ids"] or any(end in text for end in body["stop"]):
                reason = "stop"
                break
        choice = {
            "finish_reason": reason,
            "message": {"content": text},
            "token_ids": tokens,
            "logprobs": {"content": [{"token": "?", "logprob": value} for value in told]},
        }
        return {"choices": [choice], "prompt_token_ids": prompt["input_ids"][0].tolist()}

    def prompt(self, body: dict) -> dict:
        """Render and hear as a server does on its own."""
        messages, sounds = [], []
        for message in body["messages"]:
            parts = message["content"]
            for part in parts if isinstance(parts, list) else []:
                if part["type"] == "input_audio":
                    file = BytesIO(base64.b64decode(part["input_audio"]["data"]))
                    sounds.append(soundfile.read(file, dtype="float32"))
            if isinstance(parts, list):
                parts = [
                    {"type": "audio", "audio_url": "clip"} if p["type"] == "input_audio" else p
                    for p in parts
                ]
            messages.append({**message, "content": parts})
        text = self.greeting + self.processor.apply_chat_template(
            messages,
            tokenize=False,
            add_generation_prompt=body.get("add_generation_prompt", True),
            continue_final_message=body.get("continue_final_message", False),
        )
        ((sound, rate),) = sounds
        return dict(
            self.processor(
                text=text,
                audio=[sound],
                sampling_rate=rate,
                return_tensors="pt",
                padding=True,
                add_special_tokens=False,
            )
        )


@contextmanager
def vllm(checkpoint: Path, **settings: Any) -> Iterator[FakeVLLM]:
    """Serve on a free port until the end."""
    made = FakeVLLM(checkpoint, **settings)
    made.start()
    try:
        yield made
    finally:
        made.stop()
