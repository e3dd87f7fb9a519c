"""Embedding similarity against cosines of the encoder's vectors."""

import pytest
import torch

from emolit.errors import PolicyError
from emolit.judges.encoder import SentenceEncoder
from emolit.metrics.embedding_similarity import EmbeddingSimilarity, similarities
from tests.fakes.models import text_model


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return SentenceEncoder(str(text_model(tmp_path_factory.mktemp("sentences"), "AutoModel")))


def test_the_nearest_reference_counts_and_an_unreadable_caption_is_worth_0(encoder):
    found = similarities(
        encoder, ["a sad voice", "he is loud", None], [["x", "a sad voice"], ["sad", "fast"], ["x"]]
    )
    loud, sad, fast = encoder.encode(["he is loud", "sad", "fast"])
    assert found[0] == pytest.approx(1.0, abs=1e-6)
    assert found[1] == pytest.approx(float(max(loud @ sad, loud @ fast)), abs=1e-6)
    assert found[2] == 0.0


def test_batches_change_nothing(encoder):
    captions = ["sad", "he is loud", None, " ", "声音低"]
    references = [["low"], ["fast", "loud", ""], ["x"], ["sad"], ["声音高", "x"]]
    whole, single = EmbeddingSimilarity(encoder), EmbeddingSimilarity(encoder)
    whole.update(captions, references)
    for said, wanted in zip(captions, references, strict=True):
        single.update([said], [wanted])
    assert float(whole.compute()["embedding_similarity"]) == pytest.approx(
        float(single.compute()["embedding_similarity"]), abs=1e-6
    )
    assert (int(whole.count), whole.total.dtype) == (5, torch.float64)


def test_the_signature_names_the_encoder_without_its_folder(encoder):
    told = EmbeddingSimilarity(encoder).signatures()["embedding_similarity"]
    assert "|pooling:mean|refs:nearest|" in told and encoder.fingerprint[:8] in told
    assert "/" not in told


def test_a_folder_that_does_not_load_is_told(tmp_path):
    metric = EmbeddingSimilarity(SentenceEncoder(str(tmp_path)))
    with pytest.raises(
        PolicyError, match=r"No AutoTokenizer loads from the checkpoint|No AutoModel"
    ):
        metric.update(["a"], [["a"]])
