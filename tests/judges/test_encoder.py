"""Encoders and classifiers against transformers' own calls."""

import pytest
import torch
from torch.nn.functional import cosine_similarity

from emolit.errors import PolicyError
from emolit.judges.encoder import AudioClassifier, SentenceEncoder, Sound, TextClassifier
from tests.fakes.models import audio_classifier, text_model

TEXTS = ["a low voice", "she is happy", "he shouts and is angry", "a low voice"]
LABELS = {"id2label": {0: "ang", 1: "hap", 2: "sad"}, "label2id": {"ang": 0, "hap": 1, "sad": 2}}


@pytest.fixture(scope="module")
def sentences(tmp_path_factory):
    return str(text_model(tmp_path_factory.mktemp("sentences"), "AutoModel"))


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classifier")
    return str(text_model(folder, "AutoModelForSequenceClassification", **LABELS))


def reference(folder, factory, texts):
    """Transformers' own tokenizer and model, texts padded in one batch."""
    import transformers

    reader = transformers.AutoTokenizer.from_pretrained(folder, padding_side="right")
    model = getattr(transformers, factory).from_pretrained(folder).eval()
    tokens = reader(texts, padding=True, truncation=True, max_length=32, return_tensors="pt")
    tokens.pop("token_type_ids", None)
    with torch.no_grad():
        return model(**tokens), tokens["attention_mask"].unsqueeze(-1).float()


@pytest.mark.parametrize(
    ("pooling", "pool"),
    [
        ("mean", lambda states, mask: (states * mask).sum(1) / mask.sum(1)),
        ("first", lambda states, mask: states[:, 0]),
        (
            "last",
            lambda states, mask: states[torch.arange(len(states)), mask.sum((1, 2)).long() - 1],
        ),
    ],
)
def test_sentences_are_those_of_a_padded_batch(sentences, pooling, pool):
    output, mask = reference(sentences, "AutoModel", TEXTS)
    expected = pool(output.last_hidden_state, mask)
    found = SentenceEncoder(sentences, pooling).encode(TEXTS)
    assert found.shape == (4, 16) and found.dtype == torch.float32
    torch.testing.assert_close(cosine_similarity(found, expected), torch.ones(4))
    torch.testing.assert_close(found.norm(dim=1), torch.ones(4))


def test_fewer_layers_are_the_first_ones_of_the_whole_model(sentences, tmp_path):
    """By the states that the whole model has between its layers; BERT has no norm behind them."""
    import transformers

    whole = transformers.AutoModel.from_pretrained(sentences)
    depth = whole.config.num_hidden_layers
    reader = transformers.AutoTokenizer.from_pretrained(sentences)
    with torch.no_grad():
        output = whole(**reader(TEXTS[0], return_tensors="pt"), output_hidden_states=True)
    for layers in range(1, depth + 1):
        found = SentenceEncoder(sentences, layers=layers).encode(TEXTS[:1])
        wanted = torch.nn.functional.normalize(output.hidden_states[layers].mean(1), dim=-1)
        torch.testing.assert_close(found, wanted)
    with pytest.raises(PolicyError, match=r"lacks .* weights .*; they would be random"):
        SentenceEncoder(sentences, layers=depth + 1).encode(TEXTS)
    shared = str(tmp_path / "store")
    first, second = (SentenceEncoder(sentences, store=shared, layers=n) for n in (None, 1))
    assert (first.encode(TEXTS) != second.encode(TEXTS)).any() or depth == 1


def test_probabilities_are_transformers_own(classifier):
    output, _ = reference(classifier, "AutoModelForSequenceClassification", TEXTS)
    model = TextClassifier(classifier)
    torch.testing.assert_close(model.encode(TEXTS), output.logits.softmax(-1))
    assert model.labels == ("ang", "hap", "sad")


def test_several_labels_at_once_have_a_probability_each(tmp_path):
    settings = {**LABELS, "problem_type": "multi_label_classification"}
    folder = str(text_model(tmp_path, "AutoModelForSequenceClassification", **settings))
    output, _ = reference(folder, "AutoModelForSequenceClassification", TEXTS)
    torch.testing.assert_close(TextClassifier(folder).encode(TEXTS), output.logits.sigmoid())


def test_a_clip_is_heard_whole_alone_and_at_the_models_rate(tmp_path):
    from torchaudio.functional import resample
    from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

    folder = str(audio_classifier(tmp_path, **LABELS))
    waves = [torch.randn(length) * 0.1 for length in (4000, 2500)]
    found = AudioClassifier(folder).encode([Sound(wave, 8000) for wave in waves])
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    model = AutoModelForAudioClassification.from_pretrained(folder).eval()
    for wave, probabilities in zip(waves, found, strict=True):
        given = resample(wave, 8000, 16_000).numpy()
        features = extractor(given, sampling_rate=16_000, return_tensors="pt")
        with torch.no_grad():
            expected = model(**features).logits.softmax(-1)[0]
        torch.testing.assert_close(probabilities, expected)


def test_a_long_text_is_cut_to_what_the_model_reads(sentences):
    assert SentenceEncoder(sentences).inputs("sad " * 500)["input_ids"].shape == (1, 32)
