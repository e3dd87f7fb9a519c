"""A chat endpoint on this machine, that answers as it is told."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


def completion(content: object) -> str:
    """Return the body of a chat completion."""
    usage = {"prompt_tokens": 10, "completion_tokens": 2}
    return json.dumps({"choices": [{"message": {"content": content}}], "usage": usage})


def repeated(content: str) -> str:
    """Return the mark that a question holds."""
    return content.rpartition("mark ")[2]


@dataclass
class Reply:
    """What the endpoint says to one request; without a body it says what `Endpoint.says`."""

    status: int = 200
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass
class Endpoint:
    """What was asked and what will be said; the last reply is said again and again."""

    address: str = ""
    says: Callable[..., str] = repeated
    replies: list[Reply] = field(default_factory=lambda: [Reply()])
    asked: list[dict] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        with self.lock:
            reply = self.next()
            self.asked.append(body)
            self.keys.append(handler.headers.get("Authorization"))
            self.headers.append(dict(handler.headers))
            self.times.append(time.monotonic())
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(reply.seconds)
        mark = self.says(body["messages"][0]["content"])
        said = (completion(mark) if reply.body is None else reply.body).encode()
        with self.lock:
            self.at_once -= 1
        handler.send_response(reply.status)
        for name, value in {"Content-Length": str(len(said)), **reply.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(said)


PROXIES = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")


@contextmanager
def served(patch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """Serve, with the address in the environment and no key, until the end."""
    for name in (*PROXIES, "OPENAI_API_KEY"):
        patch.delenv(name, raising=False)
    with endpoint() as made:
        patch.setenv("OPENAI_BASE_URL", made.address)
        yield made


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    """Serve on a free port until the end."""
    made = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:  # the name that http.server calls
            if self.path != "/v1/chat/completions":
                self.send_error(404)
            else:
                made.take(self)

        def log_message(self, *_) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False
        request_queue_size = 128  # connections that come at once wait, as at a real server

        def handle_error(self, *_) -> None:
            """Let clients go away."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    made.address = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
