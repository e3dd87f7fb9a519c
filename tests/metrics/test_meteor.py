"""METEOR of nltk against its stored values."""

import pytest

from emolit.errors import ConfigError
from emolit.metrics.meteor import Meteor
from tests.metrics.pairs import cases, scored, texts

nltk = pytest.importorskip("nltk")


def thesaurus_is_there():
    try:
        nltk.corpus.wordnet.ensure_loaded()
    except LookupError:
        return False
    return True


def test_chinese_needs_no_synonyms_to_have_the_stored_scores(shared):
    stored = cases(shared)["zh"]["char"]["nltk"]["meteor_wordnet"]
    found = scored(Meteor("zh-char"), list(zip(*texts(shared, "zh"), strict=True)))
    assert found == pytest.approx({"METEOR": sum(stored) / len(stored)}, abs=1e-9)


@pytest.mark.skipif(not thesaurus_is_there(), reason="nltk has no corpus wordnet here")
def test_english_with_synonyms_has_the_stored_scores(shared):
    case = cases(shared)["en"]["ptb"]
    pairs = zip(map(" ".join, case["tokens_hyp"]), case["tokens_ref"], strict=True)
    pairs = [(said, [" ".join(text) for text in wanted]) for said, wanted in pairs]
    stored = case["nltk"]["meteor_wordnet"]
    found = scored(Meteor("en-13a", synonyms="wordnet"), pairs)
    assert found == pytest.approx({"METEOR": sum(stored) / len(stored)}, abs=1e-9)


@pytest.mark.skipif(thesaurus_is_there(), reason="nltk has its corpus wordnet here")
def test_a_missing_corpus_is_told_with_what_to_run():
    metric = Meteor("en-13a", synonyms="wordnet")
    with pytest.raises(ConfigError, match=r"nltk.downloader wordnet, or set `synonyms: none`"):
        scored(metric, [("a", ["a"])])


def test_stems_match_and_empty_captions_are_worth_0():
    assert scored(Meteor("en-13a"), [("sadness", ["sadly"])])["METEOR"] == 0.0
    assert scored(Meteor("en-13a"), [("she cries", ["she cry"])])["METEOR"] > 0.9
    assert scored(Meteor("en-13a"), [(None, ["she"]), ("", ["she"])])["METEOR"] == 0.0


def test_the_signature_names_the_implementation():
    metric = Meteor("zh-char")
    scored(metric, [("a", ["a"])])
    assert f"|impl:nltk-{nltk.__version__}|synonyms:none|" in metric.signatures()["METEOR"]
