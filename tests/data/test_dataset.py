import pickle
import random
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from emolit.data.dataset import (
    ClipDataset,
    Collate,
    LoaderSettings,
    clip_loader,
    training_sampler,
)
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
    training = replace(dataset, training=True, loading=LoaderSettings(on_bad_audio=on_bad_audio))
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


def shake(samples, rate):
    """Draw from all global streams; a second longer."""
    factor = 0.5 * (random.random() + np.random.rand())
    return np.concatenate([samples * np.float32(factor), np.ones(rate, np.float32)])


def test_clips_are_altered_in_training_only_by_seed_epoch_and_clip(dataset):
    loading = replace(dataset.loading, augmentations=[shake], seed=3)
    plain = [waveform for _, waveform in dataset]
    held_out = replace(dataset, loading=loading)
    assert all(torch.equal(held_out[i][1], plain[i]) for i in range(2))
    training = replace(held_out, training=True)
    epochs = [[training[epoch * 2 + i][1] for i in range(2)] for epoch in range(3)]
    again = replace(held_out, training=True, clips=dataset.clips)[3][1]
    assert torch.equal(again, epochs[1][1])
    assert len({float(waveform[0]) for epoch in epochs for waveform in epoch}) == 6
    other = replace(training, loading=replace(loading, seed=4))[0][1]
    assert not torch.equal(other, epochs[0][0])
    assert {len(waveform) for epoch in epochs for waveform in epoch} == {3200}  # max_seconds


def test_pictures_are_those_of_the_clip_as_it_was(tmp_path):
    write_video(tmp_path / "a.mp4", 1.0, grays=(20, 200))
    clip = Clip(id="a", corpus="one", path="a.mp4", label="sad", video="a.mp4")
    loading = LoaderSettings(frames=2, frame_side=8, augmentations=[lambda x, rate: x[: rate // 4]])
    _, heard, frames = ClipDataset((clip,), {"one": tmp_path}, 16_000, loading, training=True)[0]
    assert len(heard) == 4000
    assert frames.float().mean((1, 2, 3)).tolist() == pytest.approx([20, 200], abs=20)


def test_the_next_clip_that_is_read_instead_is_of_the_same_epoch(dataset):
    loading = LoaderSettings(on_bad_audio="skip", augmentations=[shake])
    training = replace(dataset, training=True, loading=loading)
    expected = training[2][1]  # clip 0 in epoch 1
    (dataset.folders["two"] / "a.wav").unlink()
    error, (clip, heard) = training.__getitems__([3])
    assert isinstance(error, AudioError)
    assert (clip.corpus, torch.equal(heard, expected)) == ("one", True)


def test_a_transform_that_leaves_no_sound_is_told_like_a_file_that_cannot_be_read(dataset):
    loading = LoaderSettings(augmentations=[lambda samples, rate: 0 * samples])
    training = replace(dataset, training=True, loading=loading)
    (error,) = training.__getitems__([1])
    assert str(error).startswith("The transform <lambda> made silence of the clip 'a' of 'two';")


@pytest.fixture
def many(tmp_path):
    clips = tuple(Clip(f"c{i}", "toy", f"{i}.wav", "sad") for i in range(12))
    for clip in clips:
        write_tone(tmp_path / clip.path, 0.1)
    loading = LoaderSettings(batch_size=2, augmentations=[shake], seed=5)
    return ClipDataset(clips, {"toy": tmp_path}, 16_000, loading)


def heard_of(many, epochs=2, place=None, stop=None, state=None, **settings):
    """Return what each epoch hears of each clip, and the state behind ``stop`` batches."""
    dataset = replace(many, loading=replace(many.loading, **settings))
    sampler = training_sampler("toy", dataset.clips, dataset.loading, [len(dataset)])
    sampler.place = place
    loader = clip_loader(dataset, sampler, Collate(Direct(), ("sad",), 16_000, True), True)
    found = {}
    first = 0 if state is None else state["epoch"]
    for epoch in range(first, epochs):
        sampler.set_epoch(epoch)
        if state is not None and epoch == first:
            loader.load_state_dict(state)
        for number, batch in enumerate(loader):
            assert batch.augmented
            for clip, waveform in zip(batch.clips, batch.waveforms, strict=True):
                found[epoch, clip.id] = waveform
            if stop == (epoch, number):
                return found, loader.state_dict()
    return found, None


def test_workers_processes_and_a_resume_in_mid_epoch_hear_the_same(many):
    whole, _ = heard_of(many)
    assert len(whole) == 24
    assert len({float(waveform[50]) for waveform in whole.values()}) == 24
    others = [heard_of(many, num_workers=2)[0]]  # they persist over both epochs
    others += [heard_of(many, place=(rank, 2))[0] for rank in range(2)]
    before, state = heard_of(many, stop=(1, 1))
    behind, _ = heard_of(many, state=state, num_workers=1)
    assert behind.keys() == {key for key in whole if key[0] == 1 and key not in before}
    assert [len(found) for found in others] == [24, 12, 12]
    for found in [*others, before, behind]:
        assert all(torch.equal(waveform, whole[key]) for key, waveform in found.items())
