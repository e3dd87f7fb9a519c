"""The judge against a real HTTP server: marks, retries, lateness, odd replies, store, cost."""

import pickle
from dataclasses import replace

import pytest

from emolit.errors import ConfigError, RewardError
from emolit.guard import Guard
from emolit.prompts.direct import Direct
from emolit.rewards.language_model_judge import LanguageModelJudge
from tests.fakes.endpoint import Reply, completion, endpoint
from tests.rewards.test_base import rollout

pytest.importorskip("aiohttp", reason="needs aiohttp: pip install 'emolit[judge]'")


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with endpoint() as made:
        monkeypatch.setenv("OPENAI_BASE_URL", made.address)
        yield made


def judge(**settings):
    """One that asks the server to repeat the response: the mark stands in it."""
    asked = {"question": "mark {response}", "backoff": 0.01, **settings}
    return LanguageModelJudge("tiny", **asked)


def marks(reward, *responses):
    return reward(rollout((responses,), (("sad",) * len(responses),))).values[0].tolist()


def test_each_response_gets_its_own_mark_on_the_scale(server):
    reward = judge(lowest=1, highest=5)
    assert marks(reward, "1", "5", "3", "5") == [0.0, 1.0, 0.5, 1.0]
    assert len(server.asked) == 3  # equal ones once
    assert reward.counts == {
        "requests": 3, "prompt_tokens": 30, "completion_tokens": 6, "unscored": 0,
    }  # fmt: skip
    assert marks(reward, "2") == [0.25]
    assert reward.counts["requests"] == 1  # counts are those of the last rollout


def test_the_request_is_that_of_a_chat_endpoint(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    marks(judge(request={"max_tokens": 4}), "7")
    messages = [{"role": "user", "content": "mark 7"}]
    assert server.asked == [{"max_tokens": 4, "model": "tiny", "messages": messages}]
    assert server.keys == ["Bearer secret"]


def test_without_a_key_none_is_sent_and_a_second_judge_has_its_own_place(server, monkeypatch):
    monkeypatch.setenv("OTHER", f"{server.address}/")
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert marks(judge(address_variable="OTHER"), "10") == [1.0]
    assert server.keys == [None]


def test_the_question_holds_what_is_known_and_a_response_fills_nothing_in():
    clip = rollout().batch.clips[0]
    clip = replace(clip, transcript="so what", captions=("a low voice", "she cries"))
    asked = LanguageModelJudge("tiny").asked(clip, "{label} {highest}", None)
    for part in ("sad", "so what", "a low voice / she cries", "from 0 (", "to 10 ("):
        assert part in asked
    assert "reply: {label} {highest}\n" in asked


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_passes_is_asked_again(server, status):
    server.replies = [Reply(status, "busy"), Reply(status, "busy"), Reply()]
    reward = judge()
    assert marks(reward, "5") == [0.5]
    assert reward.counts["requests"] == 3


def test_waits_double_and_the_servers_own_holds_where_it_is_longer(server):
    server.replies = [Reply(429), Reply(500), Reply(429, headers={"Retry-After": "1"}), Reply()]
    marks(judge(backoff=0.1), "5")
    waits = [later - sooner for sooner, later in zip(server.times, server.times[1:], strict=False)]
    for wait, least in zip(waits, (0.1, 0.2, 1.0), strict=True):
        assert wait >= least
    assert waits[0] < 1.0 and waits[1] < 1.0


def test_a_server_that_stays_away_stops_the_run_and_keeps_the_key_secret(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    server.replies = [Reply(500, "out of order")]
    with pytest.raises(RewardError, match=r"clip 'c0' .* 3 times.*500: out of order") as raised:
        marks(judge(retries=2), "5")
    assert len(server.asked) == 3
    assert "secret" not in str(raised.value)


def test_nobody_at_the_address_is_a_failure(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    with pytest.raises(RewardError, match=r"failed 2 times, at last with ClientConnectorError"):
        marks(judge(retries=1), "5")


def test_a_request_that_is_refused_is_not_asked_again(server):
    server.replies = [Reply(401, "who are you")]
    with pytest.raises(RewardError, match="401: who are you"):
        marks(judge(), "5")
    assert len(server.asked) == 1


def test_a_request_that_takes_too_long_is_asked_again(server):
    server.replies = [Reply(seconds=5.0), Reply()]
    assert marks(judge(request_timeout=0.3), "5") == [0.5]
    assert len(server.asked) == 2


def test_a_response_that_takes_too_long_is_not_scored(server):
    server.replies = [Reply(seconds=5.0), Reply()]
    reward = judge(guard=Guard(on_error="skip", timeout=0.3, limit=1))
    with pytest.warns(UserWarning, match=r"longer than 0\.3 s"):
        scores = reward(rollout((("5", "10"),), (("sad", "sad"),)))
    assert scores.failed.tolist() == [[True, False]]
    assert scores.values[0, 1] == 1.0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<html>", "no chat completion: '<html>'"),
        ("[]", "no chat completion"),
        ('{"choices": []}', "no chat completion"),
        (completion("great!"), "not one number: 'great!'"),
        (completion("7/10"), "not one number"),
        (completion(None), "not one number"),
        (completion("11"), "11 is off 0-10"),
        (completion("-1"), "-1 is off 0-10"),
    ],
)
def test_a_reply_without_a_mark_is_a_failure(server, body, words):
    server.replies = [Reply(body=body)]
    with pytest.raises(RewardError, match=words):
        marks(judge(), "5")
    with pytest.warns(UserWarning, match="not scored"):
        assert judge(guard=Guard(on_error="skip"))(rollout()).failed.all()


@pytest.mark.parametrize("said", ["8", " 8.0\n", "Mark: 8.", "<think>2 or 3?</think>8"])
def test_one_number_is_a_mark_whatever_stands_around_it(server, said):
    server.replies = [Reply(body=completion(said))]
    assert marks(judge(), "5") == [pytest.approx(0.8)]


def test_responses_are_judged_at_once_up_to_the_limit(server):
    server.replies = [Reply(seconds=0.2)]
    marks(judge(guard=Guard(limit=3)), *(str(number) for number in range(9)))
    assert server.most_at_once == 3


def test_marks_are_kept_and_asked_anew_when_anything_changes(server, tmp_path):
    store = str(tmp_path / "marks")
    assert marks(judge(store=store), "5", "10") == [0.5, 1.0]
    reward = judge(store=store)
    assert marks(reward, "10", "5") == [1.0, 0.5]
    assert reward.counts["kept"] == 2 and reward.counts["requests"] == 0
    assert marks(judge(store=store, highest=20), "10") == [0.5]
    marks(judge(store=store, question="Say mark {response}"), "10")
    marks(judge(store=store, request={"temperature": 1}), "10")
    assert len(server.asked) == 5


def test_a_failure_is_not_kept(server, tmp_path):
    server.replies = [Reply(body=completion("no idea")), Reply()]
    reward = judge(store=str(tmp_path), guard=Guard(on_error="skip"))
    with pytest.warns(UserWarning, match="not one number"):
        marks(reward, "5")
    assert marks(reward, "5") == [0.5]


def test_it_pickles(server):
    reward = judge()
    marks(reward, "5")
    assert marks(pickle.loads(pickle.dumps(reward)), "5") == [0.5]


def test_without_an_address_nothing_starts(monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(ConfigError, match="set OPENAI_BASE_URL"):
        judge().prepare(Direct())


def test_without_aiohttp_the_message_says_what_to_install(server, monkeypatch):
    judge().prepare(Direct())
    monkeypatch.setattr("emolit.rewards.language_model_judge.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'emolit\[judge\]'"):
        judge().prepare(Direct())


def test_a_scale_upside_down_is_refused():
    with pytest.raises(ConfigError, match="turn it around"):
        judge(lowest=5, highest=1)
