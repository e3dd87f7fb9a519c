"""The best list for every clip: found among all, said of all clips, kept in the checkpoint."""

from dataclasses import replace

import pytest

from emolit.affect.taxonomy import Taxonomy
from emolit.affect.wheel_score import WheelScore
from emolit.corpora.emo_gator import CATEGORIES
from emolit.errors import ConfigError, PolicyError
from emolit.policies.constant_list import ConstantList
from emolit.prompts.open_vocabulary import OpenVocabulary
from emolit.types import Clip, Sampling
from tests.figures import CONSTANTS
from tests.tasks.toy import WORDS, asked


def made(**settings):
    policy = ConstantList(taxonomy=Taxonomy(WORDS), **settings)
    policy.build(reference=False, seed=0)
    return policy


def clips_of(golds):
    return tuple(Clip(str(i), "toy", f"{i}.wav", words=gold) for i, gold in enumerate(golds))


def fitted(golds, **settings):
    policy = made(**settings)
    clips = clips_of(golds)
    batch = replace(asked(len(clips)), clips=clips)
    policy.fit(policy.measure(batch), policy.truths(batch))
    return policy


def said(policy, number=4):
    rollout = policy.sample(asked(number), 2, Sampling(), seed=0, step=0)
    return {text for group in rollout.responses for text in group}


def test_before_the_fit_it_says_nothing_that_can_be_read():
    (text,) = said(made())
    assert OpenVocabulary().parse(text, WORDS) is None


@pytest.mark.parametrize("count", [1, 2, 3])
def test_on_emogator_no_list_of_so_many_words_earns_more(count):
    """Each name equally often, so that the best lists are those of the docs, or as good."""
    policy = fitted([(name,) for name in CATEGORIES], words=count)
    words = OpenVocabulary().parse(said(policy).pop(), WORDS)
    score = WheelScore(unknown="wrong")
    golds = [(name,) for name in CATEGORIES if score((name,), (name,)) is not None]
    earned = sum(score(words, gold) for gold in golds)
    best = CONSTANTS[f"constant_{count}"]
    assert len(words) == count
    assert earned == pytest.approx(sum(score(best, gold) for gold in golds), abs=1e-12)


def test_clips_count_as_often_as_they_are_and_words_as_lists():
    """By hand: what most clips say twice over beats what few say."""
    golds = [("happy", "sad")] * 5 + [("angry",)] * 2
    assert said(fitted(golds)) == {"<answer>happy, sad</answer>"}
    assert said(fitted([("angry",)] * 9 + golds, words=1)) == {"<answer>angry</answer>"}


def test_of_lists_that_earn_the_same_the_more_frequent_words_are_said():
    lists = [(name,) for name in ("happy", "joyful", "joyful")]
    score = WheelScore(unknown="wrong")
    assert score(("happy",), ("joyful",)) == score(("joyful",), ("joyful",)) == 1
    assert said(fitted(lists, words=1)) == {"<answer>joyful</answer>"}


def test_only_frequent_words_are_candidates():
    golds = [("angry",)] * 3 + [("sad",)] * 2 + [("happy",)]
    words = OpenVocabulary().parse(said(fitted(golds, words=2, candidates=2)).pop(), WORDS)
    assert words == ("angry", "sad")


def test_a_checkpoint_says_its_list_and_refuses_another_length(tmp_path):
    policy = fitted([("sad",)] * 3 + [("angry",)] * 2)
    policy.save(tmp_path / "best")
    again = ConstantList(str(tmp_path / "best"))
    again.build(reference=False, seed=1)
    assert said(again) == said(policy) == {"<answer>sad, angry</answer>"}
    for other, made_with in (({"words": 3}, 2), ({"candidates": 5}, 30)):
        with pytest.raises(ConfigError, match=rf"of ConstantList is .* made with {made_with}"):
            ConstantList(str(tmp_path / "best"), **other).build(reference=False, seed=1)


@pytest.mark.parametrize(
    ("golds", "words"), [([("sad",)], 2), ([("sad",)], 0), ([("zzz",), ("yyy",)], 1)]
)
def test_a_list_that_cannot_be_is_refused(golds, words):
    with pytest.raises(PolicyError, match=rf"looks for {words} of \d gold words"):
        fitted(golds, words=words)


def test_clips_without_words_are_answered_by_their_labels():
    policy = made(words=1)
    batch = asked(8)
    policy.fit(policy.measure(batch), policy.truths(batch))
    assert OpenVocabulary().parse(said(policy).pop(), WORDS)[0] in WORDS
