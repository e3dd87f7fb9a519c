"""Asking in Python: files, arrays, lists, windows, and a pipeline's dictionaries."""

import numpy as np
import pytest
import soundfile
import torch

import emolit
from emolit.errors import AudioError, ConfigError
from emolit.inference.listener import choose_window
from emolit.prompts.caption import Caption
from emolit.prompts.direct import Direct
from emolit.prompts.variation import PromptVariation
from tests.fakes.checkpoint import LABELS, write_checkpoint


@pytest.fixture(scope="module")
def listener(tmp_path_factory, nano_folder):
    return emolit.load(write_checkpoint(tmp_path_factory.mktemp("a") / "best", nano_folder))


@pytest.fixture
def clips(tmp_path):
    random = np.random.default_rng(1)
    found = []
    for index, seconds in enumerate((0.4, 2.6, 1.0)):
        path = tmp_path / f"{index}.wav"
        soundfile.write(path, 0.1 * random.normal(size=round(seconds * 16_000)), 16_000)
        found.append(path)
    return found


def test_a_short_file_is_heard_at_once(listener, clips):
    answer = listener.predict(clips[0])
    assert [(each.start, each.end) for each in answer.segments] == [(0.0, pytest.approx(0.4))]
    assert answer.probabilities.keys() == set(LABELS)
    assert sum(answer.probabilities.values()) == pytest.approx(1)
    assert answer.label == answer.segments[0].answer


def test_a_long_file_is_heard_in_windows_whose_mean_counts(listener, clips):
    answer = listener.predict(clips[1])
    spans = [(round(each.start, 2), round(each.end, 2)) for each in answer.segments]
    assert spans == [(0.0, 1.0), (0.75, 1.75), (1.5, 2.5), (1.6, 2.6)]
    samples, rate = soundfile.read(clips[1], dtype="float32")
    alone = [listener.predict(samples[round(a * rate) : round(b * rate)], rate) for a, b in spans]
    for label in LABELS:
        mean = np.mean([each.probabilities[label] for each in alone])
        assert answer.probabilities[label] == pytest.approx(mean, abs=1e-6)
    readable = any(segment.answer for segment in answer.segments)
    assert answer.label == (max(LABELS, key=answer.probabilities.get) if readable else None)


def test_many_are_answered_in_their_order_as_each_alone(listener, clips):
    together = listener.predict_many(clips)
    for path, answer in zip(clips, together, strict=True):
        alone = listener.predict(path)
        assert answer.label == alone.label
        assert answer.probabilities == pytest.approx(dict(alone.probabilities), abs=1e-5)


def test_arrays_are_mixed_and_resampled_as_files_are(listener, tmp_path):
    stereo = 0.1 * np.random.default_rng(0).normal(size=(2, 20_000)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", stereo.T, 22_050, subtype="FLOAT")
    by_file = listener.predict(str(tmp_path / "a.wav")).probabilities
    for form in (stereo, torch.from_numpy(stereo)):
        assert listener.predict(form, 22_050).probabilities == pytest.approx(dict(by_file))


def test_a_call_answers_as_a_pipeline_of_transformers(listener, clips):
    told = listener(str(clips[0]))
    assert [set(each) for each in told] == [{"label", "score"}] * 3
    scores = [each["score"] for each in told]
    assert scores == sorted(scores, reverse=True)
    assert [each[0].keys() for each in listener([*clips])] == [told[0].keys()] * 3


def test_what_cannot_be_heard_is_refused_in_a_sentence(listener, tmp_path):
    with pytest.raises(AudioError, match="is missing"):
        listener.predict(tmp_path / "nothere.wav")
    with pytest.raises(ConfigError, match="give it in Hz, such as 16000"):
        listener.predict(np.ones(16_000))
    with pytest.raises(AudioError, match="has no sound"):
        listener.predict(np.zeros(16_000), 16_000)
    with pytest.raises(AudioError, match="full scale is 1"):
        listener.predict(np.full(16_000, 3e4, dtype=np.float32), 16_000)
    with pytest.raises(ConfigError, match="2 recordings and 1 `transcripts`"):
        listener.predict_many(["a.wav", "b.wav"], transcripts=["x"])
    with pytest.raises(ConfigError, match="`sampling_rate` is 16, and samples"):
        listener.predict(np.ones(16_000), 16)
    with pytest.raises(ConfigError, match="A NoneType is no recording"):
        listener.predict(None)
    with pytest.raises(ConfigError, match="takes a list of recordings"):
        listener.predict_many("a.wav")
    with pytest.raises(AudioError, match="holds int64, whose full scale is not known"):
        listener.predict(np.ones(16_000, dtype=np.int64), 16_000)


def test_a_window_is_no_longer_than_what_is_heard():
    assert choose_window(None, 3.0) == 3.0
    assert choose_window(2.0, None) == 2.0
    with pytest.raises(ConfigError, match=r"choose seconds from 0\.1 up to 3, what the model"):
        choose_window(4.0, 3.0)


def test_a_prompt_that_wants_transcripts_says_so_where_there_is_none(tmp_path, nano_folder, clips):
    prompt = Direct(variation=PromptVariation(transcript="known"))
    listener = emolit.load(write_checkpoint(tmp_path / "best", nano_folder, prompt))
    with pytest.warns(UserWarning, match="1 of 1 recordings come without a transcript"):
        listener.predict(clips[0])
    assert listener.predict(clips[0], transcript="So.").segments[0].end == pytest.approx(0.4)


def test_a_caption_comes_back_a_window(tmp_path, nano_folder, clips):
    prompt = Caption(transcript=False)
    listener = emolit.load(write_checkpoint(tmp_path / "best", nano_folder, prompt))
    answer = listener.predict(clips[1])
    assert (answer.label, listener.labels) == (None, ())
    read = [each for each in answer.segments if each.answer is not None]
    assert len(answer.captions) == len(read)
    assert [each["generated_text"] for each in listener(clips[1])] == list(answer.captions)
