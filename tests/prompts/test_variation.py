"""How a question varies: by seed and clip alone."""

from collections import Counter

import pytest

from emolit.errors import ConfigError, CorpusError
from emolit.prompts.variation import PromptVariation
from emolit.types import Clip

OPTIONS = ("angry", "happy", "neutral", "sad")
CLIPS = [Clip(f"{n}", "toy", f"{n}.wav", transcript="So be it.") for n in range(200)]


def asked(variation, clip):
    return variation.question_of("Which of {options}?", "Be brief.", clip, OPTIONS)


def test_by_default_every_clip_is_asked_the_same():
    assert {asked(PromptVariation(), clip) for clip in CLIPS} == {
        "Which of angry, happy, neutral, sad? Be brief."
    }


def test_shuffled_options_are_the_same_set_in_an_order_of_the_clip():
    questions = [asked(PromptVariation(shuffle=True), clip) for clip in CLIPS]
    shown = [q.removeprefix("Which of ").removesuffix("? Be brief.").split(", ") for q in questions]
    assert all(sorted(each) == sorted(OPTIONS) for each in shown)
    first = Counter(each[0] for each in shown)
    assert set(first) == set(OPTIONS)
    assert max(first.values()) < 80  # 50 of 200 are expected, 80 lie five deviations away
    assert questions == [asked(PromptVariation(shuffle=True), clip) for clip in CLIPS]
    assert questions != [asked(PromptVariation(shuffle=True, seed=1), clip) for clip in CLIPS]


def test_every_wording_is_used_and_no_clip_changes_its_own():
    variation = PromptVariation(paraphrases=("Pick one: {options}.", "{options}: which?"))
    starts = Counter(asked(variation, clip).split()[0] for clip in CLIPS)
    assert set(starts) == {"Which", "Pick", "angry,"}
    assert min(starts.values()) > 40


@pytest.mark.parametrize("transcript", ["known", "always"])
def test_the_transcript_stands_before_the_question(transcript):
    question = asked(PromptVariation(transcript=transcript), CLIPS[0])
    assert question.startswith('The speaker says: "So be it." Which')


def test_a_missing_transcript_is_left_out_or_refused():
    mute = Clip("m", "toy", "m.wav")
    assert asked(PromptVariation(transcript="known"), mute) == asked(PromptVariation(), mute)
    with pytest.raises(CorpusError, match=r"'m' of 'toy' has no transcript"):
        asked(PromptVariation(transcript="always"), mute)


def test_a_paraphrase_that_hides_the_options_is_refused():
    with pytest.raises(ConfigError, match="'Well\\?'"):
        PromptVariation(paraphrases=("Well?",)).check("Which of {options}?")


SAID = (("Ross", "Hi."), ("Joey", "How are you?"), ("Ross", "Bad."))


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        (0, ""),
        (1, 'Earlier in the dialog: A: "Bad." Now B speaks. '),
        (2, 'Earlier in the dialog: A: "How are you?" B: "Bad." Now A speaks. '),
        (9, 'Earlier in the dialog: A: "Hi." B: "How are you?" A: "Bad." Now B speaks. '),
    ],
)
def test_as_many_earlier_turns_are_shown_as_the_setting_says(turns, expected):
    clip = Clip("a", "toy", "a.wav", label="sad", speaker="Joey", earlier=SAID)
    told = asked(PromptVariation(turns=turns), clip)
    assert told == f"{expected}Which of angry, happy, neutral, sad? Be brief."
    assert "Joey" not in told and "Ross" not in told


def test_the_first_turn_and_a_clip_without_dialog_show_none():
    assert asked(PromptVariation(turns=3), CLIPS[0]) == asked(PromptVariation(), CLIPS[0])


def test_earlier_turns_stand_before_what_is_said_now():
    clip = Clip("a", "toy", "a.wav", speaker="x", transcript="So?", earlier=SAID[:1])
    told = PromptVariation(turns=1, transcript="known").question_of("Which?", "", clip, ())
    assert told == 'Earlier in the dialog: A: "Hi." Now B speaks. The speaker says: "So?" Which?'


def test_unknown_speakers_are_not_said_to_be_one_person():
    clip = Clip("a", "toy", "a.wav", earlier=((None, "Hi."), ("Ross", "Oh."), (None, "Well?")))
    told = PromptVariation(turns=3).context(clip)
    assert told == (
        'Earlier in the dialog: Somebody: "Hi." A: "Oh." Somebody: "Well?" Now somebody speaks.'
    )


@pytest.mark.parametrize("turns", [-1, 51])
def test_a_number_of_turns_that_cannot_be_shown_is_refused(turns):
    with pytest.raises(ConfigError, match=rf"`variation\.turns` is {turns}"):
        PromptVariation(turns=turns)


def test_turns_that_no_clip_has_are_refused_and_one_dialog_is_enough():
    alone = Clip("a", "toy", "a.wav")
    with pytest.raises(CorpusError, match=r"`variation\.turns` is 3, and no clip of 'toy' has"):
        PromptVariation(turns=3).check_clips([alone, alone])
    PromptVariation(turns=3).check_clips([alone, Clip("b", "toy", "b.wav", earlier=SAID)])
    PromptVariation(turns=3).check_clips([])
    PromptVariation().check_clips([alone])
