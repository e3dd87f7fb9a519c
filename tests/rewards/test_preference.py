"""Comparisons inside a group against a real HTTP server: shares, ties, orders, failures."""

import base64
import pickle
import re
from dataclasses import replace
from io import BytesIO

import pytest
import soundfile
import torch

from emolit.errors import ConfigError, RewardError
from emolit.judges.chat_endpoint import Endpoint
from emolit.judges.guard import Guard
from emolit.prompts.direct import Direct
from emolit.rewards.preference import Preference, verdict
from emolit.types import Sampling
from tests.fakes.endpoint import Reply, completion, served
from tests.rewards.test_base import rollout

pytest.importorskip("openai", reason="needs openai: pip install 'emolit[judge]'")

MODEL = Endpoint("tiny", retries=0)


def larger(content):
    """Prefer the larger number; equal ones tie."""
    first, second = map(float, re.findall(r"-?\d+(?:\.\d+)?", content))
    return "tie" if first == second else "1" if first > second else "2"


@pytest.fixture
def server(monkeypatch):
    with served(monkeypatch) as made:
        made.says = larger
        yield made


def preference(endpoint=MODEL, **settings):
    return Preference(endpoint, **{"comparison": "{first} or {second}", **settings})


def group(*responses):
    return rollout((responses,), ((None,) * len(responses),))


def worth(reward, *responses):
    return reward(group(*responses)).values[0].tolist()


def test_worth_is_the_share_of_the_others_that_lose(server):
    reward = preference()
    assert worth(reward, "3", "1", "2") == [1.0, 0.0, 0.5]
    assert reward.counts == {
        "requests": 6, "prompt_tokens": 60, "completion_tokens": 12,
        "pairs": 3, "ties": 0, "contradictions": 0, "unscored": 0,
    }  # fmt: skip


def test_equal_responses_tie_without_a_question_and_ties_are_half_a_win(server):
    reward = preference()
    assert worth(reward, "2", "2", "2.0", "1", "2") == [0.625, 0.625, 0.625, 0.0, 0.625]
    assert len(server.asked) == 6  # 2, 2.0 and 1: three pairs in two orders
    assert reward.counts["ties"] == 1
    server.asked.clear()
    assert worth(reward, "2", "2") == [0.5, 0.5]
    assert server.asked == []


def test_whatever_the_judge_says_the_worth_of_a_group_adds_up(server):
    torch.manual_seed(0)
    for _ in range(5):
        server.says = lambda content: ("1", "2", "tie")[torch.randint(3, ()).item()]
        found = worth(preference(both_orders=False), "a", "b", "c", "a", "d")
        assert sum(found) == pytest.approx(2.5)


def test_a_judge_that_likes_a_place_makes_ties_and_is_seen(server):
    server.says = lambda content: "1"
    reward = preference()
    assert worth(reward, "3", "1", "2") == [0.5, 0.5, 0.5]
    assert (reward.counts["contradictions"], reward.counts["ties"]) == (3, 3)


def test_a_tie_in_one_order_alone_is_a_contradiction(server):
    server.says = lambda content: "tie" if content.startswith("3") else larger(content)
    reward = preference()
    assert worth(reward, "3", "1") == [0.5, 0.5]
    assert reward.counts["contradictions"] == 1


def test_with_one_order_the_place_follows_from_clip_and_responses_alone(server):
    texts = [str(number) for number in range(8)]
    reward = preference(both_orders=False)
    worth(reward, *texts)
    asked = {body["messages"][0]["content"] for body in server.asked}
    server.asked.clear()
    worth(reward, *reversed(texts))
    assert asked == {body["messages"][0]["content"] for body in server.asked}
    first_is_smaller = [text.split(" or ")[0] < text.split(" or ")[1] for text in asked]
    assert 5 < sum(first_is_smaller) < 23  # of 28: neither always


def test_clips_are_judged_each_by_its_own_question(server):
    drawn = rollout((("1", "2"), ("1", "2")), ((None, None),) * 2)
    clips = [replace(clip, transcript=f"t{i}") for i, clip in enumerate(drawn.batch.clips)]
    drawn = replace(drawn, batch=replace(drawn.batch, clips=tuple(clips)))
    server.says = lambda content: "1" if ("t0" in content) == ("<1>" in content) else "2"
    reward = preference(comparison="{transcript} <{first}> {second}")
    assert reward(drawn).values.tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_the_question_holds_what_is_known_and_gold_only_if_asked_for():
    batch = group("a {words}", "b").batch
    clip = replace(batch.clips[0], transcript="so what", words=("proud",), reason="a high voice")
    batch = replace(batch, clips=(clip,))
    asked = Preference(MODEL).question_of(batch, 0, "a {words}", "b")
    for part in ("was asked: ?\n", "so what", "Reply 1: a {words}\n", "Reply 2: b\n"):
        assert part in asked
    assert "proud" not in asked and "sad" not in asked and "high" not in asked
    told = preference(comparison="{words}, {label}, {reason}: {first}, {second}")
    assert told.question_of(batch, 0, "a", "b") == "proud, sad, a high voice: a, b"


def test_a_judge_that_hears_gets_the_audio(server):
    server.says = lambda content: larger(content[0]["text"])
    drawn = group("2", "1")
    wave = torch.tensor([0.0, 0.5, -0.25])
    drawn = replace(drawn, batch=replace(drawn.batch, waveforms=(wave,)))
    assert preference(hears=True)(drawn).values.tolist() == [[1.0, 0.0]]
    text, audio = server.asked[0]["messages"][0]["content"]
    assert text["type"] == "text" and audio["type"] == "input_audio"
    sent = base64.b64decode(audio["input_audio"]["data"])
    found, rate = soundfile.read(BytesIO(sent))
    assert (found.tolist(), rate) == ([0.0, 0.5, -0.25], 16_000)
    silent = replace(drawn.batch, waveforms=(torch.empty(0),))
    assert preference(hears=True).question_of(silent, 0, "2", "1") == "2 or 1"


UNREAD = [
    "great!", "", "3", "12", "1.5", "1/2", "At first I thought so.", "I cannot judge.",
    "1 or 2", "1, 2 or tie", "Reply 1 is flat. Reply 2 is not. The answer is 2.",
    "not 1", "Reply 1 isn\u2019t better.", "I don't think that 2 fits", "better than 1",
    "Reply 1 is worse.", "I prefer the other one, over 1.", "\u4e0d\u662f2", "<think>Reply 1 is",
]  # fmt: skip
"""Replies that name no choice, or several, or turn around the one that they name."""


@pytest.mark.parametrize("said", UNREAD)
def test_a_reply_without_a_verdict_stops_the_run(server, said):
    server.says = lambda content: said
    words = r"'preference' on clip 'c0' of 'toy' failed with .*(none of 1, 2 and tie|was cut off)"
    with pytest.raises(RewardError, match=words):
        worth(preference(), "3", "1")


@pytest.mark.parametrize("said", UNREAD)
def test_a_reply_without_a_verdict_is_no_zero_either_but_counted(server, said):
    server.says = lambda content: said if "1" in content else larger(content)
    reward = preference(guard=Guard(on_error="skip"))
    with pytest.warns(UserWarning, match="not scored"):
        scores = reward(group("3", "1", "2"))
    assert scores.failed.tolist() == [[True, True, True]]  # each stood against "1"
    assert scores.values.isnan().all()
    unread = 0 if "<think>" in said else 2
    assert (reward.counts["unscored"], reward.counts["unread"]) == (3, unread)
    assert {"preference_unscored", "preference_unread"} <= {
        f"{reward.name}_{each}" for each in reward.counted_names
    }


@pytest.mark.parametrize(
    "said",
    ["1", " Reply 1.\n", "<think>2?</think>1", "1: it says 1", "**1**", "I think the answer is 1.",
     "Reply #1 describes it better, since the person does not sound calm.", "\u90091\u3002",
     "The first reply is better.", "First, the tone: it is flat. So 1!"],
)  # fmt: skip
def test_one_verdict_counts_whatever_stands_around_it(server, said):
    server.replies = [Reply(body=completion(said))]
    reward = preference(both_orders=False)
    assert sorted(worth(reward, "3", "1")) == [0.0, 1.0]
    server.replies = [Reply(body=completion(said.replace("1", "2").replace("first", "second")))]
    texts = [str(number) for number in range(2)]
    assert sorted(worth(reward, *texts)) == [0.0, 1.0]


def test_the_choice_that_is_named_is_the_one_that_wins(server):
    for said, value in (("I think the answer is 1.", 1.0), ("The second one.", 0.0), ("Tie!", 0.5)):
        assert verdict(said) == value


def test_a_failed_comparison_takes_both_responses_out_and_no_others(server):
    server.says = lambda content: "?" if {*content.split(" or ")} == {"1", "2"} else larger(content)
    reward = preference(guard=Guard(on_error="skip"))
    with pytest.warns(UserWarning, match="none of 1, 2 and tie.*not scored"):
        scores = reward(group("3", "1", "2"))
    assert scores.failed.tolist() == [[False, True, True]]
    assert scores.values[0, 0] == 1.0 and scores.values[0, 1:].isnan().all()
    assert reward.counts["unscored"] == 2


def test_a_server_that_stays_away_is_never_a_zero(server):
    server.replies = [Reply(500, "out of order")]
    with pytest.raises(RewardError, match="500: out of order"):
        worth(preference(), "3", "1")
    with pytest.warns(UserWarning, match="not scored"):
        assert preference(guard=Guard(on_error="skip"))(group("3", "1")).failed.all()


def test_a_pair_that_takes_too_long_is_not_scored(server):
    server.replies = [Reply(seconds=5.0), Reply()]
    reward = preference(guard=Guard(on_error="skip", timeout=0.5, limit=1))
    with pytest.warns(UserWarning, match=r"longer than 0\.5 s"):
        scores = reward(rollout((("3", "1"), ("3", "1")), ((None, None),) * 2))
    assert scores.failed.tolist() == [[True, True], [False, False]]


def test_pairs_are_judged_at_once_up_to_the_limit(server):
    server.replies = [Reply(seconds=0.1)]
    worth(preference(guard=Guard(limit=3)), "1", "2", "3", "4")
    assert server.most_at_once == 3


def test_verdicts_are_kept(server, tmp_path):
    kept = replace(MODEL, store=str(tmp_path))
    assert worth(preference(kept), "1", "2") == [0.0, 1.0]
    reward = preference(kept)
    assert worth(reward, "2", "1", "2") == [0.75, 0.0, 0.75]
    assert (reward.counts["requests"], reward.counts["kept"]) == (0, 2)


def test_a_group_of_one_is_refused_in_training_and_does_not_apply_in_validation(server):
    with pytest.raises(ConfigError, match="`group_size` is 1; raise it"):
        preference()(group("1"))
    scores = preference()(replace(group("1"), sampling=Sampling(temperature=0.0)))
    assert scores.values.isnan().all() and not scores.failed.any()
    assert server.asked == []


def test_a_response_by_itself_and_a_comparison_of_nothing_are_refused():
    with pytest.raises(RewardError, match="compares responses"):
        preference().score(group("1", "2").batch.clips[0], "1", None)
    with pytest.raises(ConfigError, match=r"lacks \{second\}; put both"):
        Preference(MODEL, "{first}?")


def test_it_pickles_and_wants_somebody_to_ask(server, monkeypatch):
    reward = preference()
    reward.prepare(Direct())
    worth(reward, "1", "2")
    copy = pickle.loads(pickle.dumps(reward))
    assert worth(copy, "1", "2") == [0.0, 1.0] and copy.counts["requests"] == 2
    monkeypatch.delenv("OPENAI_BASE_URL")
    with pytest.raises(ConfigError, match=r"'preference' .* set OPENAI_BASE_URL"):
        reward.prepare(Direct())
