"""Which clips are served, and that the others are counted with a reason."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from emolit.errors import AudioError, CorpusError
from emolit.manifest import Entry
from emolit.selection import inspected, relabeled, usable, without
from emolit.taxonomy import Taxonomy
from emolit.types import Clip
from tests.fakes.video import write_video


def entry(name, label=None, problem=None):
    clip = Clip(id=name, corpus="mine", path=f"{name}.wav", label=label)
    return Entry(clip, problem) if problem else Entry(clip)


def test_a_clip_comes_back_with_its_duration_or_with_what_is_wrong(tmp_path):
    soundfile.write(tmp_path / "good.wav", np.full(8_000, 0.2), 16_000)
    (tmp_path / "bad.wav").write_bytes(b"no audio")
    good, bad = (inspected(entry(name).clip, tmp_path) for name in ("good", "bad"))
    assert good.clip.seconds == 0.5
    assert not good.problem
    assert "bad.wav" in bad.problem


def test_labels_are_renamed_then_dropped_and_counted_and_unlabeled_clips_stay():
    entries = [entry("a", "calm"), entry("b", "sad"), entry("c", "fearful"), entry("d")]
    taxonomy = Taxonomy(("neutral", "sad"))
    kept, dropped = relabeled("mine", entries, taxonomy, {"calm": "neutral"})
    assert [one.clip.label for one in kept] == ["neutral", "sad", None]
    assert dropped == {"fearful": 1}
    with pytest.raises(CorpusError, match=r"No clip of 'mine' .*\['happy'\]; it has {'sad': 1}"):
        relabeled("mine", entries[1:2], Taxonomy(("happy",)), {})


def test_unusable_clips_are_refused_or_left_out_with_their_reasons():
    entries = [entry("a"), entry("b", problem="b.wav is silent")]
    clips, problems = usable("mine", entries, strict=False)
    assert [clip.id for clip in clips] == ["a"]
    assert problems == ("b.wav is silent",)
    with pytest.raises(AudioError, match=r"1 of 2 clips of 'mine' .* b\.wav is silent"):
        usable("mine", entries, strict=True)
    with pytest.raises(CorpusError, match="'mine' has usable audio"):
        usable("mine", entries[1:], strict=False)


def test_a_clip_that_is_text_alone_is_not_looked_for(tmp_path):
    clip = Clip(id="a", corpus="mine", path="", transcript="No.")
    assert inspected(clip, tmp_path, seeing=True) == Entry(clip)


def test_a_video_is_looked_at_where_it_is_wanted(tmp_path):
    write_video(tmp_path / "a.mp4", codec="aac")
    clip = Clip(id="a", corpus="mine", path="a.mp4")
    assert inspected(clip, tmp_path).problem is None
    assert inspected(clip, tmp_path, seeing=True).problem.startswith("a has no video. Get it")
    assert inspected(replace(clip, video="a.mp4"), tmp_path, seeing=True).problem is None
    (tmp_path / "b.mp4").write_bytes(b"no film")
    bad = inspected(replace(clip, video="b.mp4"), tmp_path, seeing=True)
    assert "b.mp4 cannot be decoded" in bad.problem


def test_named_clips_are_in_no_split():
    clips = [replace(entry(name).clip, split="train") for name in "abc"]
    assert [clip.split for clip in without(clips, {"b", "z"})] == ["train", None, "train"]
