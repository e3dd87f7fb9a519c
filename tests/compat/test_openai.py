"""The contract with openai's client, held by a real client and a real server."""

import asyncio
import gzip
import http.server
import threading

import pytest
from openai import APIConnectionError, APIStatusError, AsyncOpenAI, DefaultAsyncHttpxClient

from emolit.compat import openai
from tests.fakes.endpoint import completion


class Handler(http.server.BaseHTTPRequestHandler):
    status, body, encoding = 200, b"", ""
    sent = 0

    def do_POST(self):  # the name that http.server calls
        self.rfile.read(
            int(self.headers["Content-Length"])
        )  # unread, it would reset the connection
        self.send_response(self.status)
        self.send_header("Content-Type", "application/json")
        if self.encoding:
            self.send_header("Content-Encoding", self.encoding)
        self.end_headers()
        for start in range(0, len(self.body), 1 << 16):
            type(self).sent += self.wfile.write(self.body[start : start + (1 << 16)])

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def reply(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

    async def ask():
        client = DefaultAsyncHttpxClient(event_hooks={"response": [openai.limit_reply]})
        address = f"http://127.0.0.1:{server.server_address[1]}/v1"
        async with AsyncOpenAI(
            api_key="k", base_url=address, max_retries=0, http_client=client
        ) as asked:
            said = await asked.chat.completions.create(model="m", messages=[])
            return said.choices[0].message.content

    def asked(body, encoding="", status=200):
        for name, value in (("status", status), ("body", body), ("encoding", encoding)):
            monkeypatch.setattr(Handler, name, value)
        monkeypatch.setattr(Handler, "sent", 0)
        return asyncio.run(ask())

    yield asked
    server.shutdown()
    server.server_close()


def test_a_reply_arrives_whole_packed_or_not(reply):
    for text in ("sad", "悲伤" * 100_000):
        body = completion(text).encode()
        assert reply(body) == reply(gzip.compress(body), "gzip") == text


@pytest.mark.parametrize("status", [200, 500])
def test_a_reply_without_end_is_given_up_early(reply, status):
    with pytest.raises(APIConnectionError, match="more than 16777216 bytes"):
        reply(b" " * 20 * openai.MOST, status=status)
    assert Handler.sent < 3 * openai.MOST


def test_a_small_reply_that_unpacks_to_a_large_one_is_given_up(reply):
    with pytest.raises(APIConnectionError, match="more than 16777216 bytes"):
        reply(gzip.compress(b" " * 10 * openai.MOST), "gzip")


def test_a_refusal_keeps_its_text(reply):
    with pytest.raises(APIStatusError) as raised:
        reply(b'{"error": "no such model"}', status=404)
    assert raised.value.response.text == '{"error": "no such model"}'
