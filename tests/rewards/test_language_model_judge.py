"""The judge against a real HTTP server: questions, marks, lateness, odd replies, cost."""

import pickle
from dataclasses import replace

import pytest

from emolit.errors import ConfigError, RewardError
from emolit.judges.chat_endpoint import Endpoint
from emolit.judges.guard import Guard
from emolit.prompts.direct import Direct
from emolit.rewards.language_model_judge import LanguageModelJudge
from tests.fakes.endpoint import Reply, completion, served
from tests.rewards.test_base import rollout

pytest.importorskip("openai", reason="needs openai: pip install 'emolit[judge]'")

MODEL = Endpoint("tiny")


@pytest.fixture
def server(monkeypatch):
    with served(monkeypatch) as made:
        yield made


def judge(endpoint=MODEL, **settings):
    """One that asks the server to repeat the response: the mark stands in it."""
    return LanguageModelJudge(endpoint, **{"question": "mark {response}", **settings})


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


def test_the_question_holds_what_is_known_and_a_response_fills_nothing_in():
    clip = rollout().batch.clips[0]
    clip = replace(clip, transcript="so what", captions=("a low voice", "she cries"))
    asked = LanguageModelJudge(MODEL).question_of(clip, "{label} {highest}", None)
    for part in ("sad", "so what", "a low voice / she cries", "from 0 (", "to 10 ("):
        assert part in asked
    assert "reply: {label} {highest}\n" in asked


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
        (completion("great!"), "not one number: 'great!'"),
        (completion("7/9"), "not one number"),
        (completion("7/100"), "not one number"),
        (completion("7 or 8"), "not one number"),
        (completion("7-10"), "not one number"),
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


@pytest.mark.parametrize(
    "said",
    ["8", " 8.0\n", "Mark: 8.", "<think>2 or 3?</think>8", "8/10", "I would say 8 out of 10!"],
)
def test_one_number_is_a_mark_whatever_stands_around_it(server, said):
    server.replies = [Reply(body=completion(said))]
    assert marks(judge(), "5") == [pytest.approx(0.8)]


def test_responses_are_judged_at_once_up_to_the_limit(server):
    server.replies = [Reply(seconds=0.2)]
    marks(judge(guard=Guard(limit=3)), *(str(number) for number in range(9)))
    assert server.most_at_once == 3


def test_what_was_said_is_kept_and_read_anew(server, tmp_path):
    kept = replace(MODEL, store=str(tmp_path / "replies"))
    assert marks(judge(kept), "5", "10") == [0.5, 1.0]
    reward = judge(kept, highest=20)
    assert marks(reward, "10", "5") == [0.5, 0.25]
    assert reward.counts["kept"] == 2 and reward.counts["requests"] == 0
    marks(judge(kept, question="Say mark {response}"), "10")
    assert len(server.asked) == 3


def test_it_pickles(server):
    reward = judge()
    marks(reward, "5")
    assert marks(pickle.loads(pickle.dumps(reward)), "5") == [0.5]


def test_without_an_address_nothing_starts(server, monkeypatch):
    judge().prepare(Direct())
    monkeypatch.delenv("OPENAI_BASE_URL")
    with pytest.raises(ConfigError, match=r"'language_model_judge' .* set OPENAI_BASE_URL"):
        judge().prepare(Direct())


def test_a_scale_upside_down_is_refused():
    with pytest.raises(ConfigError, match="turn it around"):
        judge(lowest=5, highest=1)
