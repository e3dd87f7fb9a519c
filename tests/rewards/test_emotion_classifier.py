"""The reward from a classifier: against its own probabilities, for text and for audio."""

from dataclasses import replace

import pytest
import torch

from emolit.errors import ConfigError
from emolit.judges.encoder import AudioClassifier, Sound, TextClassifier
from emolit.rewards.emotion_classifier import EmotionClassifier
from tests.fakes.models import audio_classifier, text_model
from tests.rewards.test_base import rollout

LABELS = {"id2label": dict(enumerate(("ang", "hap", "grief", "sad")))}
LABELS["label2id"] = {name: place for place, name in LABELS["id2label"].items()}
OURS = {"ang": "angry", "hap": "happy", "grief": "sad"}
RESPONSES = (("<think>low voice</think><answer>sad</answer>", "no tags at all"),)


@pytest.fixture(scope="module")
def reading(tmp_path_factory):
    folder = tmp_path_factory.mktemp("text")
    name = "AutoModelForSequenceClassification"
    return TextClassifier(str(text_model(folder, name, **LABELS)))


@pytest.fixture(scope="module")
def hearing(tmp_path_factory):
    return AudioClassifier(str(audio_classifier(tmp_path_factory.mktemp("audio"), **LABELS)))


def test_a_response_is_worth_the_probability_of_the_label(reading):
    found = EmotionClassifier(reading, OURS)(rollout(RESPONSES)).values[0]
    expected = reading.encode(["low voice  sad", "no tags at all"])
    torch.testing.assert_close(found, expected[:, 2] + expected[:, 3])  # grief and sad are sad


def test_only_a_part_is_read_and_a_missing_one_is_worth_nothing(reading):
    found = EmotionClassifier(reading, OURS, part="think")(rollout(RESPONSES)).values[0]
    expected = reading.encode(["low voice"])[0, 2:].sum()
    torch.testing.assert_close(found, torch.stack((expected, torch.tensor(0.0))))


def test_nothing_to_read_is_worth_nothing(reading):
    found = EmotionClassifier(reading, OURS)(rollout((("", "<answer></answer>"),)))
    assert found.values.tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("label", [None, "calm"])
def test_it_does_not_apply_to_labels_that_it_does_not_know(reading, label):
    assert EmotionClassifier(reading, OURS)(rollout(RESPONSES, label=label)).values.isnan().all()


def heard(answers):
    waves = (torch.randn(3000, generator=torch.Generator().manual_seed(0)),)
    drawn = rollout((("x",) * len(answers),), (answers,), label=None)
    return replace(drawn, batch=replace(drawn.batch, waveforms=waves, options=("angry", "sad")))


def test_an_answer_is_worth_its_probability_in_the_clip(hearing):
    drawn = heard(("sad", "angry", None))
    found = EmotionClassifier(hearing, OURS)(drawn).values[0]
    table = hearing.encode([Sound(drawn.batch.waveforms[0], 16_000)])[0]
    torch.testing.assert_close(found, torch.stack((table[2:].sum(), table[0], torch.tensor(0.0))))


def test_options_that_the_classifier_never_hears_are_refused(hearing):
    with pytest.raises(ConfigError, match=r"never hears \['angry'\]"):
        EmotionClassifier(hearing)(heard(("sad",)))
