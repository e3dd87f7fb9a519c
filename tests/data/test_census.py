from dataclasses import replace
from unicodedata import normalize

import pytest

from emolit.data.census import Census, check_ids, check_speakers, person, shared_speakers
from emolit.errors import CorpusError
from emolit.types import Clip


def clip(name, speaker, split):
    return Clip(id=name, corpus="toy", path=f"{name}.wav", speaker=speaker, split=split)


def test_a_speaker_in_two_splits_is_named_with_both():
    clips = [clip("a", "ann", "train"), clip("b", "ann", "test"), clip("c", "bob", "val")]
    assert shared_speakers(clips) == {"ann": ("test", "train")}
    with pytest.raises(CorpusError, match=r"'toy' are not .*: ann in test and train"):
        check_speakers("toy", clips)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (normalize("NFC", "Jörg"), normalize("NFD", "Jörg")),
        ("Anna", "anna"),
        ("01", "1"),
        ("1", "1.0"),
        ("S01", "s1"),
        ("spk_007_b", "SPK_07_B"),
    ],
)
def test_two_spellings_of_a_person_are_one_speaker(one, other):
    clips = [clip("a", one, "train"), clip("b", other, "test"), clip("c", "bob", "val")]
    (first, second) = sorted((one, other))
    assert shared_speakers(clips) == {f"{first} or {second}": ("test", "train")}
    with pytest.raises(CorpusError, match=f"{first} or {second} in test and train"):
        check_speakers("toy", clips)


def test_different_people_are_told_apart():
    names = ["0", "1", "10", "100", "1.5", "s1", "s10", "anna", "anne", "2.0.1", "a0b"]
    assert len({person(name) for name in names}) == len(names)


def test_unknown_speakers_count_as_shared_as_soon_as_there_are_two_splits():
    clips = [clip("a", None, "test"), clip("b", None, "test")]
    assert shared_speakers(clips) == {}
    clips.append(clip("c", None, "train"))
    assert shared_speakers(clips) == {"unknown": ("test", "train")}
    with pytest.raises(
        CorpusError,
        match=r"who speaks in the clips of 'toy': its splits test, train .*_independent: false`",
    ):
        check_speakers("toy", clips)


def test_a_clip_outside_all_splits_does_not_count():
    clips = [clip("a", "ann", "train"), clip("b", "ann", None)]
    check_speakers("toy", clips)


def test_an_id_that_stands_twice_is_named_with_its_files():
    clips = [clip("a", "ann", None), Clip(id="a", corpus="toy", path="copy/a.wav")]
    with pytest.raises(CorpusError, match=r"share an id: a \(a\.wav, copy/a\.wav\)"):
        check_ids("toy", clips)
    check_ids("toy", clips[:1])


def test_a_census_counts_splits_strangers_long_clips_and_shared_speakers():
    clips = [clip("a", "ann", "train"), clip("b", "ann", "test"), clip("c", "bob", None)]
    clips[0] = replace(clips[0], seconds=2.0)
    found = Census.count("toy", clips, 1.5, {"calm": 1}, ("x.wav is silent.",), ("note",))
    assert found == Census(
        "toy", {"train": 1, "val": 0, "test": 1}, {"calm": 1}, ("x.wav is silent.",),
        cropped=1, speaker_independent=False, outside=1, notes=("note",),
    )  # fmt: skip
    assert Census.count("toy", clips[1:], 1.5, {}, (), ()).speaker_independent


def test_a_census_says_everything_that_was_left_out():
    census = Census("toy", {"train": 7, "test": 3}, {"calm": 192}, ("x.wav is silent.",), 2, False)
    assert str(replace(census, dropped={}, outside=4, notes=("Test1",))) == (
        "toy: train 7, test 3 clips; 4 clips in no split; 2 long clips cropped; "
        "1 clips skipped: x.wav is silent.; not speaker-independent; Test1"
    )
    assert str(census) == (
        "toy: train 7, test 3 clips; calm: 192 clips dropped; 2 long clips cropped; "
        "1 clips skipped: x.wav is silent.; not speaker-independent"
    )
