import hashlib
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import scipy.fft
import soundfile
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from emolit.corpora import synthetic
from emolit.corpora.synthesis import signal as sound
from emolit.corpora.synthesis import voice
from emolit.corpora.synthesis.acting import EMOTIONS
from emolit.corpora.synthetic import Synthetic
from emolit.corpora.synthetic_shifted import SyntheticShifted
from emolit.data.dataset import LoaderSettings
from emolit.errors import ConfigError, CorpusError
from emolit.prompts.direct import Direct
from tests.fakes.acoustics import measured

CHECKSUMS = {
    (Synthetic, 0, "train", 0, 0): "55a92e1e26f3933a3b492524f21022b6",
    (Synthetic, 0, "train", 47, 27): "7abf3fcecab0ac9de6c5addeba8640e1",
    (Synthetic, 0, "val", 3, 13): "d457982a8abf227555309dbc830195e0",
    (Synthetic, 0, "test", 13, 6): "43cc8dbe23d8ae8650d58c5cb561fda5",
    (Synthetic, 1, "test", 5, 1): "2566c4cb3eb18e65b2471a79d54f5528",
    (SyntheticShifted, 0, "test", 0, 0): "23b01aef4fbbc98ad90f6f83788bb704",
    (SyntheticShifted, 0, "test", 10, 27): "d07e1edabdafbb4688ceb94773b3cf83",
    (SyntheticShifted, 0, "val", 5, 3): "ead2b739e85d007af44e3558330c30b9",
}
"""Class, seed, split, speaker, take: first half of SHA-256 of little-endian int16 samples."""


def small(root: Path, **arguments: int) -> Synthetic:
    sizes = {"train_speakers": 3, "val_speakers": 2, "test_speakers": 2, "clips_per_speaker": 4}
    return Synthetic(root=str(root), prompt=Direct(), **sizes | arguments)


def clip(corpus: Synthetic, split: str, number: int, take: int) -> np.ndarray:
    return corpus.samples(corpus.speaker(split, number), split, number, take)


@cache
def table(kind: type[Synthetic], split: str, speakers: int, takes: int) -> tuple:
    """Return names of cues, their values by clip, emotions and speakers."""
    corpus = kind()
    keys = [(number, take) for number in range(speakers) for take in range(takes)]
    rows = [measured(clip(corpus, split, *key)) for key in keys]
    values = np.array([list(row.values()) for row in rows])
    labels = np.array([take % 4 for _, take in keys])
    return list(rows[0]), values, labels, np.array([number for number, _ in keys])


def train() -> tuple:
    return table(Synthetic, "train", 48, 8)  # n = 384


def test() -> tuple:
    return table(Synthetic, "test", 14, 16)  # n = 224


test.__test__ = False


def probed(columns: list[int], shuffled: bool = False) -> float:
    """Return the UA on test speakers of a linear probe that was fitted on training speakers."""
    _, seen, labels, _ = train()
    _, unseen, truth, _ = test()
    if shuffled:
        seen = seen[np.random.RandomState(0).permutation(len(seen))]
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    answers = probe.fit(seen[:, columns], labels).predict(unseen[:, columns])
    return float(balanced_accuracy_score(truth, answers))


@pytest.mark.parametrize("key", CHECKSUMS, ids=lambda key: f"{key[0].name}-{key[1:]}")
def test_the_same_arguments_give_the_same_bytes_on_every_machine(key):
    kind, seed, *place = key
    samples = clip(kind(corpus_seed=seed), *place).astype("<i2")
    found = hashlib.sha256(samples.tobytes()).hexdigest()[:32]
    assert found == CHECKSUMS[key], "raise synthetic.VERSION if the sound is meant to change"


@pytest.mark.parametrize("kind", [Synthetic, SyntheticShifted])
def test_a_machine_whose_last_bits_differ_gives_the_same_bytes(kind, monkeypatch):
    corpus = kind()
    keys = [("test", number, take) for number in range(4) for take in range(4)]
    here = [clip(corpus, *key) for key in keys]
    amplitude, pitch = sound.decibels, voice.fundamental

    def rfft(values: np.ndarray, *rest: int, axis: int = -1) -> np.ndarray:
        return scipy.fft.rfft(values.astype(np.longdouble), *rest, axis=axis).astype(complex)

    def irfft(values: np.ndarray, *rest: int, axis: int = -1) -> np.ndarray:
        return scipy.fft.irfft(values.astype(np.clongdouble), *rest, axis=axis).astype(float)

    monkeypatch.setattr(np.fft, "rfft", rfft)
    monkeypatch.setattr(np.fft, "irfft", irfft)
    for module in (sound, voice):
        monkeypatch.setattr(module, "decibels", lambda level: amplitude(level) * (1 + 4e-16))
    monkeypatch.setattr(voice, "fundamental", lambda *given: pitch(*given) * (1 + 4e-16))
    for key, samples in zip(keys, here, strict=True):
        np.testing.assert_array_equal(clip(corpus, *key), samples)


def test_every_single_cue_leaves_a_linear_probe_below_half():
    names = train()[0]
    scores = {name: probed([column]) for column, name in enumerate(names)}
    assert len(scores) == 20
    assert max(scores.values()) < 0.5, scores


def test_all_cues_together_tell_the_emotion_of_unseen_speakers():
    assert probed(list(range(len(train()[0])))) > 0.8


def test_cues_of_other_clips_tell_nothing():
    assert probed(list(range(len(train()[0]))), shuffled=True) < 0.35


def test_loudness_and_length_tell_next_to_nothing():
    names = train()[0]
    assert probed([names.index("length")]) < 0.3
    assert probed([names.index("loudness")]) < 0.4


@pytest.mark.parametrize(
    ("cue", "emotion", "sign"),
    [
        ("F0", "happy", +1), ("F0", "angry", +1), ("F0", "sad", -1),
        ("F0 range", "happy", +1), ("F0 range", "angry", +1),
        ("F0 contour", "happy", +1), ("F0 contour", "angry", -1), ("F0 contour", "sad", -1),
        ("rate", "happy", +1), ("rate", "angry", +1), ("rate", "sad", -1), ("pauses", "sad", +1),
        ("energy above 1 kHz", "happy", +1), ("energy above 1 kHz", "angry", +1),
        ("centroid", "sad", -1), ("jitter", "angry", +1), ("jitter", "sad", +1),
        ("onsets", "happy", +1), ("onsets", "angry", +1), ("onsets", "sad", -1),
        ("loudness", "angry", +1), ("loudness", "sad", -1), ("second formant", "happy", +1),
    ],
)  # fmt: skip
def test_measured_cues_move_as_reported_against_the_same_speakers_neutral_clips(cue, emotion, sign):
    names, values, labels, speakers = train()
    column = values[:, names.index(cue)]
    shifts = [
        column[(speakers == s) & (labels == EMOTIONS.index(emotion))].mean()
        - column[(speakers == s) & (labels == EMOTIONS.index("neutral"))].mean()
        for s in range(48)
    ]
    error = np.std(shifts) / 48**0.5
    assert sign * np.mean(shifts) > 2 * error


def test_clips_are_16_bit_wav_with_the_samples_of_the_generator(tmp_path):
    corpus = small(tmp_path)
    corpus.setup()
    info = soundfile.info(corpus.location / "test/studio-test01-02-neutral.wav")
    assert (info.samplerate, info.channels, info.subtype) == (16_000, 1, "PCM_16")
    stored, _ = soundfile.read(corpus.location / "test/studio-test01-02-neutral.wav", dtype="int16")
    np.testing.assert_array_equal(stored, clip(corpus, "test", 1, 2))


def test_clips_fit_into_three_seconds_and_do_not_clip():
    for take in range(40):
        samples = clip(Synthetic(), "train", 7, take)
        assert 1.2 * 16_000 <= len(samples) < 2.4 * 16_000
        assert np.abs(samples.astype(int)).max() < 32_200


def test_the_default_corpus_has_the_announced_sizes():
    assert Synthetic().cast_size == {"train": 48, "val": 8, "test": 14}
    assert Synthetic().clips_per_speaker == 28


def test_splits_share_no_speaker_and_are_balanced_over_emotions_and_voices(tmp_path):
    corpus = small(tmp_path, clips_per_speaker=8)
    corpus.setup()
    speakers = {
        split: {c.speaker for c in corpus.clips(split)} for split in ("train", "val", "test")
    }
    assert {split: len(found) for split, found in speakers.items()} == {
        "train": 3, "val": 2, "test": 2,
    }  # fmt: skip
    assert len(set().union(*speakers.values())) == 7
    for found in (corpus.clips("val"), corpus.clips("test")):
        assert Counter(c.label for c in found) == dict.fromkeys(EMOTIONS, 4)
        assert all(c.transcript is None for c in found)


def test_sizes_change_no_clip_of_the_others():
    few, many = Synthetic(train_speakers=1, clips_per_speaker=4), Synthetic()
    np.testing.assert_array_equal(clip(few, "test", 3, 1), clip(many, "test", 3, 1))


def test_other_arguments_never_read_stale_files(tmp_path, monkeypatch):
    folders = [
        small(tmp_path).folder,
        small(tmp_path, corpus_seed=1).folder,
        small(tmp_path, val_speakers=1).folder,
        small(tmp_path, clips_per_speaker=8).folder,
        SyntheticShifted(root=str(tmp_path)).folder,
    ]
    monkeypatch.setattr(synthetic, "VERSION", 0)
    folders.append(small(tmp_path).folder)
    assert len(set(folders)) == len(folders)


def test_the_corpus_is_written_once(tmp_path, monkeypatch):
    small(tmp_path).prepare_data()
    monkeypatch.setattr(Synthetic, "_write", lambda *_: pytest.fail("written twice"))
    small(tmp_path).setup()


def test_a_making_that_breaks_off_leaves_nothing_and_the_next_one_succeeds(tmp_path, monkeypatch):
    write, written = soundfile.write, []

    def full_disk(path: Path, *rest: object) -> None:
        if len(written) == 9:
            raise OSError(28, "No space left on device")
        written.append(path)
        write(path, *rest)

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(soundfile, "write", full_disk)
        small(tmp_path).prepare_data()
    assert list(tmp_path.iterdir()) == []
    small(tmp_path).setup()
    assert len(list(tmp_path.iterdir())) == 1


def test_the_second_of_two_makers_at_once_uses_the_work_of_the_first(tmp_path, monkeypatch):
    write = Synthetic._write

    def overtaken(corpus: Synthetic, folder: Path) -> None:
        write(corpus, folder)
        write(corpus, corpus.location)

    monkeypatch.setattr(Synthetic, "_write", overtaken)
    corpus = small(tmp_path)
    corpus.setup()
    assert [path.name for path in tmp_path.iterdir()] == [corpus.folder]


def test_missing_and_foreign_files_are_named_with_the_next_step(tmp_path):
    corpus = small(tmp_path)
    corpus.prepare_data()
    lost = corpus.location / "val/studio-val00-00-angry.wav"
    moved = lost.rename(lost.with_name("mine.wav"))
    with pytest.raises(CorpusError, match=r"mine.wav is no clip of 'synthetic'.*Remove the file"):
        small(tmp_path).prepare_data()
    moved.unlink()
    with pytest.raises(CorpusError, match=r"27 of the 28 clips.*delete the folder"):
        small(tmp_path).prepare_data()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"clips_per_speaker": 6}, "multiple of 4"),
        ({"clips_per_speaker": 0}, "multiple of 4"),
        ({"val_speakers": -1}, "none may be negative"),
        ({"train_speakers": 0, "val_speakers": 0, "test_speakers": 0}, "one must be above 0"),
        ({"corpus_seed": -1}, "corpus_seed"),
    ],
)
def test_sizes_without_meaning_are_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        Synthetic(**arguments)


def test_batches_carry_the_question_the_gold_answer_and_the_audio(tmp_path):
    corpus = small(tmp_path)
    corpus.loading = LoaderSettings(batch_size=4)
    corpus.setup()
    batch = next(iter(corpus.train_dataloader()))
    assert batch.options == EMOTIONS
    for said, target, wave in zip(batch.clips, batch.targets, batch.waveforms, strict=True):
        assert target == f"<answer>{said.label}</answer>"
        assert len(wave) == round(said.seconds * 16_000)


def test_captions_tell_the_cues_of_the_clip_and_depend_on_it_alone(tmp_path):
    corpus = small(tmp_path)
    corpus.setup()
    for found in corpus.clips("train"):
        assert found.captions[0].endswith(f" voice, {found.label}.")
    more = Synthetic(clips_per_speaker=8)
    known = {found.id: found.captions for found in corpus.clips("train")}
    assert known["studio-train02-03-sad"] == (more.caption("train", 2, 3),)
    captions = {more.caption("train", number, 3) for number in range(20)}
    assert len(captions) > 5


def test_a_caption_is_of_the_voice_that_is_recorded():
    """Speakers of even numbers have low voices; two semitones are a ratio of 1.12."""
    corpus = Synthetic()
    keys = [(number, take) for number in range(0, 24, 2) for take in range(4)]
    pitches = {"low": [], "high": []}
    for key in keys:
        words = corpus.caption("train", *key).replace(",", "").split()
        for word in pitches.keys() & set(words):
            pitches[word].append(measured(clip(corpus, "train", *key))["F0"])
    assert np.median(pitches["high"]) > 2 + np.median(pitches["low"])
