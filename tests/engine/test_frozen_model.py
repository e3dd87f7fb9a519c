"""Frozen models that answer for others: cached, never stale, never random."""

import pickle

import pytest
import torch

from emolit.errors import NonFiniteError, PolicyError
from emolit.judges.encoder import SentenceEncoder, TextClassifier
from tests.fakes.models import text_model

TEXTS = ["a low voice", "she is happy", "he shouts and is angry", "a low voice"]


@pytest.fixture(scope="module")
def sentences(tmp_path_factory):
    return str(text_model(tmp_path_factory.mktemp("sentences"), "AutoModel"))


def test_the_size_of_a_batch_changes_nothing(sentences):
    one, many = (SentenceEncoder(sentences, batch_size=size).encode(TEXTS) for size in (1, 32))
    torch.testing.assert_close(one, many)
    torch.testing.assert_close(one[0], one[3], rtol=0, atol=0)


def test_kept_vectors_are_read_and_never_stale(sentences, tmp_path):
    store = str(tmp_path / "store")
    first = SentenceEncoder(sentences, store=store)
    vectors = first.encode(TEXTS)
    assert first.store.made == 3  # one text stands twice
    again = SentenceEncoder(sentences, store=store)
    torch.testing.assert_close(again.encode(TEXTS[::-1]), vectors.flip(0), rtol=0, atol=0)
    assert again.store.made == 0
    pooled = SentenceEncoder(sentences, pooling="first", store=store)
    pooled.encode(TEXTS)
    assert pooled.store.made == 3
    trained = SentenceEncoder(sentences, store=store)
    with torch.no_grad():
        trained.model.encoder.layer[0].output.dense.bias[0] += 0.5
    assert not torch.equal(trained.encode(TEXTS), vectors)
    assert trained.store.made == 3


def test_it_computes_in_float32_under_autocast_and_draws_no_random_numbers(sentences):
    expected = SentenceEncoder(sentences).encode(TEXTS)
    state = torch.random.get_rng_state()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = SentenceEncoder(sentences).encode(TEXTS)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_it_pickles_before_and_after_it_was_loaded(sentences):
    encoder = SentenceEncoder(sentences)
    vectors = pickle.loads(pickle.dumps(encoder)).encode(TEXTS)
    encoder.encode(TEXTS)
    torch.testing.assert_close(pickle.loads(pickle.dumps(encoder)).encode(TEXTS), vectors)


@pytest.mark.filterwarnings("ignore")
def test_a_checkpoint_without_its_head_is_refused(sentences):
    with pytest.raises(PolicyError, match=r"lacks 2 weights of a Bert.*'classifier.bias'"):
        TextClassifier(sentences).encode(TEXTS)


def test_a_checkpoint_that_is_not_there_is_named(tmp_path):
    with pytest.raises(PolicyError, match=r"No Auto\w+ loads from"):
        SentenceEncoder(str(tmp_path)).encode(TEXTS)
    with pytest.raises(PolicyError, match=r"folder '.*/judges' is not there"):
        SentenceEncoder(str(tmp_path / "judges")).encode(TEXTS)  # no hub is asked for a path


def test_a_model_that_makes_no_numbers_is_a_failure_and_nothing_is_kept(sentences, tmp_path):
    broken = SentenceEncoder(sentences, store=str(tmp_path / "store"))
    with torch.no_grad():
        broken.model.encoder.layer[0].output.dense.bias[0] = torch.nan
    with pytest.raises(NonFiniteError, match="makes numbers that are NaN or infinite"):
        broken.encode(TEXTS)
    assert broken.store.made == 0
