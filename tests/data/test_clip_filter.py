"""Which clips are served, and that the others are counted with a reason."""

from dataclasses import replace

import pytest

from emolit.affect.taxonomy import Taxonomy
from emolit.data.audio_check import AudioRecord
from emolit.data.clip_filter import drop, relabel, usable
from emolit.errors import AudioError, CorpusError
from emolit.types import Clip


def entry(name, label=None, problem=None):
    clip = Clip(id=name, corpus="mine", path=f"{name}.wav", label=label)
    return AudioRecord(clip, problem) if problem else AudioRecord(clip)


def test_labels_are_renamed_then_dropped_and_counted_and_unlabeled_clips_stay():
    entries = [entry("a", "calm"), entry("b", "sad"), entry("c", "fearful"), entry("d")]
    taxonomy = Taxonomy(("neutral", "sad"))
    kept, dropped = relabel("mine", entries, taxonomy, {"calm": "neutral"})
    assert [one.clip.label for one in kept] == ["neutral", "sad", None]
    assert dropped == {"fearful": 1}
    with pytest.raises(CorpusError, match=r"No clip of 'mine' .*\['happy'\]; it has {'sad': 1}"):
        relabel("mine", entries[1:2], Taxonomy(("happy",)), {})


def test_unusable_clips_are_refused_or_left_out_with_their_reasons():
    entries = [entry("a"), entry("b", problem="b.wav is silent")]
    clips, problems = usable("mine", entries, strict=False)
    assert [clip.id for clip in clips] == ["a"]
    assert problems == ("b.wav is silent",)
    with pytest.raises(AudioError, match=r"1 of 2 clips of 'mine' .* b\.wav is silent"):
        usable("mine", entries, strict=True)
    with pytest.raises(CorpusError, match="'mine' has usable audio"):
        usable("mine", entries[1:], strict=False)


def test_named_clips_are_in_no_split():
    clips = [replace(entry(name).clip, split="train") for name in "abc"]
    assert [clip.split for clip in drop(clips, {"b", "z"})] == ["train", None, "train"]
