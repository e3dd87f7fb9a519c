"""A client against a real HTTP server: requests, keys, retries, lateness, odd replies, store."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from emolit.errors import ConfigError, RewardError
from emolit.judges.chat_endpoint import Chat, Endpoint
from tests.fakes.endpoint import Reply, completion, endpoint, served

pytest.importorskip("openai", reason="needs openai: pip install 'emolit[judge]'")

MODEL = Endpoint("tiny")
KEY = "sk-0123456789abcdef"


@pytest.fixture
def server(monkeypatch):
    with served(monkeypatch) as made:
        yield made


def read(said):
    """Take numbers, and nothing else."""
    try:
        return float(said)
    except ValueError as error:
        raise RewardError(f"no number: {said!r}") from error


def said(endpoint=MODEL, question="mark 7", counts=None):
    """What one chat says to one question."""
    chat = Chat(endpoint, "judge", Counter() if counts is None else counts)

    async def ask():
        async with chat.open_connections():
            return await chat.ask(question, read)

    return asyncio.run(ask())


def test_the_request_is_that_of_a_chat_endpoint(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    assert said(replace(MODEL, request={"max_tokens": 4})) == 7.0
    messages = [{"role": "user", "content": "mark 7"}]
    assert server.asked == [{"max_tokens": 4, "model": "tiny", "messages": messages}]
    assert server.keys == ["Bearer secret"]


def test_without_settings_of_its_own_a_request_is_greedy(server):
    said()
    assert server.asked[0]["temperature"] == 0


def test_without_a_key_none_is_sent_and_another_endpoint_has_its_own_place(server, monkeypatch):
    monkeypatch.setenv("OTHER", f"{server.address}/")
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert said(replace(MODEL, address_variable="OTHER")) == 7.0
    assert server.keys == [None]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_passes_is_asked_again(server, status):
    server.replies = [Reply(status, "busy"), Reply(status, "busy"), Reply()]
    counts = Counter()
    assert said(counts=counts) == 7.0
    assert counts == {"requests": 3, "prompt_tokens": 10, "completion_tokens": 2}


def test_waits_double_and_the_servers_own_holds(server):
    server.replies = [Reply(429), Reply(500), Reply(429, headers={"Retry-After": "0.2"}), Reply()]
    said()
    waits = [later - sooner for sooner, later in zip(server.times, server.times[1:], strict=False)]
    for wait, least in zip(waits, (0.5, 1.0), strict=False):
        assert wait >= 0.75 * least  # a quarter less at most, so that not all come back at once
    assert 0.2 <= waits[2] < 0.75 * 2.0


def test_a_server_that_stays_away_is_a_failure_and_the_key_stays_secret(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    server.replies = [Reply(500, "out of order")]
    with pytest.raises(RewardError, match=r"3 times.*500: out of order") as raised:
        said(replace(MODEL, retries=2))
    assert len(server.asked) == 3
    assert "secret" not in str(raised.value)


def test_nobody_at_the_address_is_a_failure(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    with pytest.raises(RewardError, match=r"up to 2 times, failed at last with ConnectError"):
        said(replace(MODEL, retries=1))


def test_a_request_that_is_refused_is_not_asked_again(server):
    server.replies = [Reply(401, "who are you")]
    with pytest.raises(RewardError, match="401: who are you"):
        said()
    assert len(server.asked) == 1


def test_a_request_that_takes_too_long_is_asked_again(server):
    server.replies = [Reply(seconds=5.0), Reply()]
    assert said(replace(MODEL, request_timeout=0.3)) == 7.0
    assert len(server.asked) == 2


ECHOES = [
    Reply(401, f"wrong key {KEY}"),
    Reply(302, "", {"Location": f"http://{KEY}.invalid:1/v1"}),
    Reply(body=KEY),
    Reply(body=completion(f"7 says {KEY}")),
    Reply(body=completion("7 says " + "".join(f"\\u{ord(sign):04x}" for sign in KEY))),
    Reply(body=completion(f"<think>{KEY}")),
    Reply(headers={f"X {KEY}": "no name of a header"}, body=KEY),
]


@pytest.mark.parametrize("reply", ECHOES, ids=range(len(ECHOES)))
def test_a_key_that_the_server_sends_back_stands_in_no_error(server, monkeypatch, reply):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.replies = [reply]
    with pytest.raises(RewardError) as raised:
        said(replace(MODEL, retries=0))
    assert server.keys[0] == f"Bearer {KEY}"
    assert KEY not in str(raised.value)
    assert KEY[:8] not in str(raised.value)


def test_a_reply_that_holds_the_key_is_kept_without_it(server, monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.replies = [Reply(body=completion(KEY))]
    chat = Chat(replace(MODEL, store=str(tmp_path)), "judge", Counter())
    heard = []

    async def ask():
        async with chat.open_connections():
            return await chat.ask("mark 7", lambda said: heard.append(said) or 1.0)

    assert [asyncio.run(ask()) for _ in range(2)] == [1.0, 1.0]
    assert heard == ["(the key)", "(the key)"]
    assert not any(KEY.encode() in file.read_bytes() for file in tmp_path.rglob("*.safetensors"))


def test_a_placeholder_for_a_key_changes_no_reply(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "7")
    assert said() == 7.0


def test_a_redirect_to_another_server_takes_neither_key_nor_account(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-somebody")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-somebody")
    with endpoint() as other:
        server.replies = [Reply(307, "", {"Location": f"{other.address}/chat/completions"})]
        assert said() == 7.0
    assert server.keys == [f"Bearer {KEY}"]
    assert other.keys == [None]
    assert "somebody" not in str([*server.headers, *other.headers])
    assert KEY not in str(other.headers)


@pytest.mark.parametrize("usage", ["[1]", '"many"', '{"prompt_tokens": Infinity}', "{}", "null"])
def test_a_strange_count_of_tokens_spoils_no_reply(server, usage):
    choices = '[{"message": {"content": "7"}}]'
    server.replies = [Reply(body=f'{{"choices": {choices}, "usage": {usage}}}')]
    assert said() == 7.0


@pytest.mark.parametrize("body", ["<html>", "[]", '{"choices": []}', "7", "[" * 100_000])
def test_a_reply_that_is_no_chat_completion_is_a_failure(server, body):
    server.replies = [Reply(body=body)]
    with pytest.raises(RewardError, match="no chat completion"):
        said()


def test_thinking_is_taken_off(server):
    server.replies = [Reply(body=completion("<think>2 or 3?</think>8"))]
    assert said() == 8.0


def test_thinking_that_was_cut_off_says_nothing(server):
    server.replies = [Reply(body=completion("<think>first the mark 8"))]
    with pytest.raises(RewardError, match=r"cut off behind .*mark 8'; raise `max_tokens`"):
        said()


def test_a_connection_that_breaks_is_asked_again(server):
    """A server that closes in the middle of its answer, as one that restarts does."""
    server.replies = [Reply(headers={"Content-Length": "9999", "Connection": "close"}), Reply()]
    counts = Counter()
    assert said(counts=counts) == 7.0
    assert counts["requests"] == 2


def test_replies_are_kept_and_asked_anew_when_the_request_changes(server, tmp_path):
    kept, counts = replace(MODEL, store=str(tmp_path)), Counter()
    assert [said(kept, counts=counts) for _ in range(3)] == [7.0] * 3
    assert (counts["requests"], counts["kept"]) == (1, 2)
    said(replace(kept, request={"temperature": 1}))
    said(replace(kept, model="large"))
    assert said(kept, question="mark 8") == 8.0
    assert len(server.asked) == 4


def test_a_reply_that_cannot_be_read_is_not_kept(server, tmp_path):
    server.replies = [Reply(body=completion("no idea")), Reply()]
    kept = replace(MODEL, store=str(tmp_path))
    counts = Counter()
    with pytest.raises(RewardError, match="no number: 'no idea'"):
        said(kept, counts=counts)
    assert counts["unread"] == 1
    assert said(kept) == 7.0


def test_without_an_address_or_openai_the_check_says_what_to_do(server, monkeypatch):
    chat = Chat(MODEL, "judge", Counter())
    chat.check()
    monkeypatch.setattr("emolit.judges.chat_endpoint.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'emolit\[judge\]'"):
        chat.check()
    monkeypatch.delenv("OPENAI_BASE_URL")
    with pytest.raises(ConfigError, match=r"'judge' .* set OPENAI_BASE_URL"):
        chat.check()
