"""One server: what it says is read or refused; tests/rollouts/test_vllm_server.py samples by it."""

import asyncio
from dataclasses import replace

import pytest

from emolit.engine.sampling.vllm_client import ServerAwayError, VLLMClient, read_row
from emolit.engine.weights.publishing import PublishedWeights
from emolit.errors import RolloutError
from tests.fakes.endpoint import endpoint

WHOLE = PublishedWeights("emolit-a-1", "/nowhere", adapter=False)


def said(**changes):
    choice = {
        "finish_reason": "stop",
        "token_ids": [5, 2],
        "logprobs": {"content": [{"logprob": -0.5}, {"logprob": -1.0}]},
    }
    return {"prompt_token_ids": [1, 2, 3], "choices": [{**choice, **changes}]}


def test_a_completion_is_read():
    row = read_row(said())
    assert (row.prompt, row.tokens, row.logprobs) == ([1, 2, 3], [5, 2], [-0.5, -1.0])
    assert row.finished and not read_row(said(finish_reason="length")).finished


@pytest.mark.parametrize(
    "odd",
    [None, "text", {}, {"choices": []}, said(token_ids=None), said(logprobs=None)],
    ids=["none", "text", "empty", "no choice", "no tokens", "no logprobs"],
)
def test_what_is_no_completion_is_refused(odd):
    with pytest.raises(RolloutError, match="no chat completion with token ids"):
        read_row(odd)


@pytest.mark.parametrize("tokens", [[], [5]])
def test_tokens_without_their_probabilities_are_refused(tokens):
    with pytest.raises(RolloutError, match="tokens and 2 log-probabilities"):
        read_row(said(token_ids=tokens))


def test_a_response_that_was_given_up_may_be_asked_for_again():
    with pytest.raises(ServerAwayError, match="'abort'"):
        read_row(said(finish_reason="abort"))


async def asked(client, weights):
    async with client.open_connections():
        await client.ensure(weights)


def test_an_address_of_something_else_is_refused(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with endpoint() as other:  # it has no GET at all
        client = VLLMClient(other.address, wait=0.1, request_timeout=5.0)
        assert not client.url.endswith("/v1")
        with pytest.raises(RolloutError, match=r"501"):
            asyncio.run(asked(client, replace(WHOLE)))
