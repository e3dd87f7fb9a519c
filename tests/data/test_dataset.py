import pickle
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from emolit.data.dataset import ClipDataset, Collate, LoaderSettings
from emolit.errors import AudioError, ConfigError
from emolit.prompts.direct import Direct
from emolit.rl.groups import clips_of
from emolit.types import Clip
from tests.fakes.listing import write_tone
from tests.fakes.video import write_video


@pytest.fixture
def dataset(tmp_path):
    clips = []
    for corpus, seconds, label in (("one", 0.1, "sad"), ("two", 0.3, None)):
        (tmp_path / corpus).mkdir()
        soundfile.write(tmp_path / corpus / "a.wav", np.full(int(8000 * seconds), 0.25), 8000)
        clips.append(Clip(id="a", corpus=corpus, path="a.wav", label=label))
    folders = {corpus: tmp_path / corpus for corpus in ("one", "two")}
    return ClipDataset(tuple(clips), folders, 16_000, LoaderSettings(max_seconds=0.2))


def test_a_clip_is_found_in_the_folder_of_its_corpus_resampled_and_cut(dataset):
    lengths = {clip.corpus: len(waveform) for clip, waveform in dataset}
    assert len(dataset) == 2
    assert lengths == {"one": 1600, "two": 3200}


def test_a_clip_that_is_a_segment_is_cut_out_of_its_file(dataset):
    clip = replace(dataset.clips[1], start=0.1, end=0.15)
    (_, waveform) = replace(dataset, clips=(clip,))[0]
    assert len(waveform) == 800


def test_a_batch_keeps_clips_questions_targets_and_waveforms_in_one_order(dataset):
    prompt = Direct("Which of {options}?", instruction="")
    batch = Collate(prompt, ("angry", "sad"), 16_000)([dataset[1], dataset[0]])
    assert [clip.corpus for clip in batch.clips] == ["two", "one"]
    assert batch.questions == ("Which of angry, sad?",) * 2
    assert batch.targets == (None, "<answer>sad</answer>")
    assert batch.options == ("angry", "sad")
    assert [len(waveform) for waveform in batch.waveforms] == [3200, 1600]
    assert all(waveform.dtype == torch.float32 for waveform in batch.waveforms)
    assert batch.sampling_rate == 16_000


def test_dataset_and_collate_travel_to_worker_processes(dataset):
    copy = pickle.loads(pickle.dumps(dataset))
    assert copy.clips == dataset.clips
    collate = pickle.loads(pickle.dumps(Collate(Direct(), ("sad",), 16_000)))
    assert len(collate([copy[0]])) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("batch_size", 0), ("eval_batch_size", -1), ("max_seconds", 0.0), ("num_workers", -1)],
)
def test_settings_without_meaning_are_refused_by_name(name, value):
    with pytest.raises(ConfigError, match=rf"`loading\.{name}` is {value}"):
        LoaderSettings(**{name: value})


def test_pictures_come_along_only_when_they_are_asked_for(tmp_path):
    write_video(tmp_path / "a.mp4", 1.0, grays=(20, 200))
    clip = Clip(id="a", corpus="one", path="a.mp4", label="sad", video="a.mp4")
    collate = Collate(Direct(), ("sad",), 16_000)
    plain = ClipDataset((clip,), {"one": tmp_path}, 16_000)
    assert collate([plain[0]]).frames == ()
    for most, bright in ((30.0, [20, 200]), (0.4, [20, 20])):  # only what is heard is seen
        seeing = replace(plain, loading=LoaderSettings(frames=2, frame_side=8, max_seconds=most))
        batch = collate([seeing[0], seeing[0]])
        assert [found.shape for found in batch.frames] == [(2, 3, 8, 8)] * 2
        found = batch.frames[0].float().mean((1, 2, 3)).tolist()
        assert found == pytest.approx(bright, abs=20)
        assert len(batch.repeat(3).frames) == 6
        assert clips_of(batch, [1]).frames[0] is batch.frames[1]


def test_a_file_that_became_shorter_since_it_was_checked_is_refused(tmp_path):
    path = tmp_path / "a.wav"
    write_tone(path, 2.0)
    clip = Clip("a", "mine", "a.wav", seconds=2.0)
    dataset = ClipDataset((clip,), {"mine": tmp_path}, 16_000, LoaderSettings(max_seconds=1.5))
    assert len(dataset[0][1]) == 24_000
    write_tone(path, 0.8)
    with pytest.raises(AudioError, match=r"a\.wav lasts 0\.80 s of the 1\.50 s that it had"):
        dataset[0]


def test_a_batch_lacks_what_cannot_be_read_and_says_why(dataset):
    (dataset.folders["one"] / "a.wav").unlink()
    collate = Collate(Direct(), ("sad",), 16_000)
    batch = collate(dataset.__getitems__([0, 1]))
    assert [clip.corpus for clip in batch.clips] == ["two"]
    (said,) = batch.unread
    assert said.startswith(f"{dataset.folders['one'] / 'a.wav'} is missing.")
    empty = collate(dataset.__getitems__([0]))
    assert (len(empty), empty.unread) == (0, (said,))


@pytest.mark.parametrize(("on_bad_audio", "found"), [("skip", ["two"]), ("raise", [])])
def test_the_next_clip_takes_the_place_of_one_that_is_skipped(dataset, on_bad_audio, found):
    (dataset.folders["one"] / "a.wav").unlink()
    training = replace(dataset, whole=True, loading=LoaderSettings(on_bad_audio=on_bad_audio))
    error, *items = training.__getitems__([0])
    assert isinstance(error, AudioError)
    assert [clip.corpus for clip, _ in items] == found


def test_a_file_that_became_silent_is_refused_and_one_that_begins_so_is_not(tmp_path):
    clip = Clip("a", "mine", "a.wav", seconds=2.0)
    dataset = ClipDataset((clip,), {"mine": tmp_path}, 16_000, LoaderSettings(max_seconds=1.0))
    wave = np.zeros(32_000)
    wave[-100:] = 0.5
    soundfile.write(tmp_path / "a.wav", wave, 16_000)
    assert not dataset[0][1].any()
    soundfile.write(tmp_path / "a.wav", 0 * wave, 16_000)
    with pytest.raises(AudioError, match="is silent"):
        dataset[0]
