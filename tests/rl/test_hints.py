"""Hints: beginnings of gold thoughts, drawn from a binomial distribution."""

from dataclasses import replace

import pytest

from emolit.errors import ConfigError, PolicyError
from emolit.rl.hints import Hints, check_begun
from emolit.rl.schedule import CosineFade, LinearFade
from emolit.types import Sampling
from tests.tasks.toy import Table, asked

THOUGHT = "<think>" + " ".join(f"w{i}" for i in range(40)) + "</think>"


def thinking(number=4):
    return replace(asked(number), targets=(f"{THOUGHT}<answer>sad</answer>",) * number)


def test_all_words_at_a_share_of_one_and_none_at_zero_and_never_the_answer():
    assert Hints(1.0).give(thinking(), 0.0, 0, 0).begun == (THOUGHT,) * 4
    assert Hints(0.0).give(thinking(), 0.0, 0, 0).begun == ("",) * 4


def test_so_many_words_are_given_as_a_binomial_draw_says():
    batch = thinking(400)
    counts = [len(text.split()) for text in Hints(0.3).give(batch, 0.0, 0, 0).begun]
    mean = sum(counts) / 400
    assert mean == pytest.approx(0.3 * 40, abs=4 * (40 * 0.3 * 0.7 / 400) ** 0.5)
    spread = sum((count - mean) ** 2 for count in counts) / 400
    assert spread == pytest.approx(40 * 0.3 * 0.7, rel=0.25)
    assert all(THOUGHT.startswith(text) for text in Hints(0.3).give(batch, 0.0, 0, 0).begun)


def test_draws_follow_seed_step_and_clip_alone():
    first = Hints(0.5).give(thinking(), 0.0, 0, 0).begun
    assert Hints(0.5).give(thinking(), 0.0, 0, 0).begun == first
    assert len({first, *(Hints(0.5).give(thinking(), 0.0, 0, s).begun for s in range(1, 4))}) == 4


def test_a_share_falls_over_the_training():
    assert [Hints().at(progress) for progress in (0.0, 0.5, 1.0)] == pytest.approx([1, 0.5, 0])
    assert Hints(LinearFade(start=0.5)).at(0.5) == 0.25
    assert isinstance(Hints().share, CosineFade)


@pytest.mark.parametrize("target", [None, "<answer>sad</answer>", "sad"])
def test_without_a_gold_thought_there_is_no_hint(target):
    with pytest.raises(ConfigError, match="has no gold thought"):
        Hints(0.5).give(replace(asked(1), targets=(target,)), 0.0, 0, 0)


def test_a_policy_that_overlooks_hints_is_told():
    batch = replace(asked(2), begun=("<think>low", "<think>high"))
    drawn = Table().sample(batch, 2, Sampling(), 0, 0)
    with pytest.raises(PolicyError, match="the policy began anew"):
        check_begun(drawn)
    check_begun(Table().sample(asked(2), 2, Sampling(), 0, 0))
