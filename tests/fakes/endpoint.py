"""A chat endpoint on this machine, that answers as it is told."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def completion(content: object) -> str:
    """Return the body of a chat completion."""
    usage = {"prompt_tokens": 10, "completion_tokens": 2}
    return json.dumps({"choices": [{"message": {"content": content}}], "usage": usage})


@dataclass
class Reply:
    """What the endpoint says to one request; without a body it repeats the mark in the question."""

    status: int = 200
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass
class Endpoint:
    """What was asked and what will be said; the last reply is said again and again."""

    address: str = ""
    replies: list[Reply] = field(default_factory=lambda: [Reply()])
    asked: list[dict] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
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
            self.times.append(time.monotonic())
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(reply.seconds)
        mark = body["messages"][0]["content"].rpartition("mark ")[2]
        said = (completion(mark) if reply.body is None else reply.body).encode()
        with self.lock:
            self.at_once -= 1
        handler.send_response(reply.status)
        for name, value in {**reply.headers, "Content-Length": str(len(said))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(said)


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
