"""BERTScore against matching by hand, and against torchmetrics one pair at a time."""

import copy
import json
import pickle

import pytest
import torch
import transformers
from jsonargparse import ArgumentParser

from emolit.errors import ConfigError, PolicyError
from emolit.evaluators.captions import Captions
from emolit.metrics.bert_score import BertScore, _states
from tests.evaluators.caption_worker import captioned
from tests.fakes.models import random_model, save, text_model
from tests.metrics.pairs import scored
from tests.metrics.test_caption_base import ODD

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "low", "sad", "voice", "she", "is", "loud", ".")
PAIRS = [
    ("a low sad voice.", ["she is loud", "a voice"]),
    ("she", ["she is sad. she is low."]),
    ("a low low voice is sad", ["sad"]),
    ("loud voice", ["loud voice", "a loud sad voice"]),
]
NAMES = ("BERTScore_P", "BERTScore_R", "BERTScore_F1")


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    """A BERT of two layers, which puts [CLS] and [SEP] around a text."""
    reader = transformers.BertTokenizer(vocab={word: place for place, word in enumerate(WORDS)})
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
    )
    model = random_model(transformers.BertModel, config, None)
    return str(save(tmp_path_factory.mktemp("bert"), model, reader))


def states_of(folder, text, layer):
    """The states of a text's words, from transformers alone."""
    reader = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        output = model(**reader(text, return_tensors="pt"), output_hidden_states=True)
    return output.hidden_states[layer][0, 1:-1]


def by_hand(said, wanted):
    """Precision, recall and F, word by word."""

    def best(mine, others):
        nearest = [max(float(torch.cosine_similarity(x, y, 0)) for y in others) for x in mine]
        return sum(nearest) / len(nearest)

    precision, recall = best(said, wanted), best(wanted, said)
    return precision, recall, 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize(("layer", "place"), [(None, 2), (1, 1), (0, 0)])
def test_words_are_matched_greedily_and_the_best_reference_counts(bert, layer, place):
    rows = []
    for said, references in PAIRS:
        mine = states_of(bert, said, place)
        found = [by_hand(mine, states_of(bert, wanted, place)) for wanted in references]
        rows.append([max(column) for column in zip(*found, strict=True)])
    means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    found = scored(BertScore("en-13a", bert, layer), PAIRS)
    assert found == pytest.approx(dict(zip(NAMES, means, strict=True)), abs=1e-6)
    assert means[0] != pytest.approx(means[1], abs=1e-4)


def test_torchmetrics_agrees_on_each_pair_alone(bert):
    from torchmetrics.functional.text.bert import bert_score

    reader = transformers.AutoTokenizer.from_pretrained(bert)
    model = transformers.AutoModel.from_pretrained(bert)
    for said, (wanted, *_) in PAIRS:
        theirs = bert_score(
            [said], [wanted], model=model, user_tokenizer=reader, num_layers=1, max_length=16
        )
        ours = scored(BertScore("en-13a", bert, layer=1), [(said, [wanted])])
        wanted_scores = [float(theirs[key]) for key in ("precision", "recall", "f1")]
        assert [ours[name] for name in NAMES] == pytest.approx(wanted_scores, abs=1e-6)


def test_what_has_no_words_is_worth_0_and_is_counted(bert):
    metric = BertScore("zh-char", bert)
    same = ("sad voice.", ["sad voice."])
    assert scored(metric, [same])["BERTScore_F1"] == pytest.approx(1, abs=1e-6)
    for pair in ((None, ["sad"]), ("", ["sad"]), (" \n\x00", ["sad"]), ("sad", ["", "\u200b"])):
        metric.reset()
        assert scored(metric, [same, pair]) == pytest.approx(dict.fromkeys(NAMES, 0.5), abs=1e-6)


def test_punctuation_is_read_like_any_token(bert):
    alike = scored(BertScore("en-13a", bert), [("...", ["..."])])
    assert alike["BERTScore_F1"] == pytest.approx(1, abs=1e-6)
    found = scored(BertScore("en-13a", bert), [("...", ["a sad voice"])])
    assert 0 < abs(found["BERTScore_F1"]) < 0.99


def test_a_long_caption_is_cut(bert):
    cut = scored(BertScore("en-13a", bert), [("sad " * 40, ["low"])])
    assert cut == scored(BertScore("en-13a", bert), [("sad " * 14, ["low"])])


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A model whose tokenizer puts nothing around a text."""
    return str(text_model(tmp_path_factory.mktemp("bare"), "AutoModel"))


def test_without_special_tokens_every_token_counts(bare):
    reader = transformers.AutoTokenizer.from_pretrained(bare)
    model = transformers.AutoModel.from_pretrained(bare).eval()
    with torch.no_grad():
        said, wanted = (
            model(**reader(text, return_tensors="pt")).last_hidden_state[0]
            for text in ("a low voice", "sad")
        )
    found = scored(BertScore("en-13a", bare), [("a low voice", ["sad"])])
    assert [found[name] for name in NAMES] == pytest.approx(by_hand(said, wanted), abs=1e-6)


def test_order_batches_and_copies_change_nothing(bare):
    metric = BertScore("zh-char", bare)
    whole = scored(metric, ODD)
    assert scored(BertScore("zh-char", bare), ODD[::-1], size=1) == whole
    for other in (copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))):
        assert {name: float(value) for name, value in other.compute().items()} == whole


def test_the_signature_names_model_and_layer_without_its_folder(bert):
    metric = BertScore("zh-char", bert, layer=1)
    scored(metric, PAIRS)
    told = metric.signatures()["BERTScore_F1"]
    assert "|layer:1|idf:no|rescaled:no|refs:1-2|impl:emolit|" in told
    assert "/" not in told and "tok:" not in told


def test_it_joins_captions_from_yaml_and_is_loaded_once(bert, tmp_path):
    config = tmp_path / "node.yaml"
    metric = {
        "class_path": "emolit.metrics.bert_score.BertScore",
        "init_args": {"checkpoint": bert, "layer": 1},
    }
    config.write_text(json.dumps({"evaluator": {"metrics": [metric], "tokenizer": "en-13a"}}))
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--config", action="config")
    parser.add_class_arguments(Captions, "evaluator")
    evaluator = parser.instantiate(parser.parse_args(["--config", str(config)])).evaluator
    before = _states.cache_info().misses
    evaluator.start(("one", "two"))
    for corpus in ("one", "two"):
        evaluator.update(captioned(*((corpus, said, tuple(wanted)) for said, wanted in PAIRS)))
    scores = evaluator.compute()
    alone = scored(BertScore("en-13a", bert, layer=1), PAIRS)
    for corpus in ("one", "two"):
        assert {name: float(scores[f"{corpus}/{name}"]) for name in NAMES} == alone
        assert "|layer:1|" in evaluator.signatures()[f"{corpus}/BERTScore_F1"]
    assert _states.cache_info().misses <= before + 1


@pytest.mark.parametrize("layer", [3, -1])
def test_a_layer_that_there_is_not_is_told(bert, layer):
    with pytest.raises(ConfigError, match=rf"the layer {layer} of .* has the layers 0 to 2"):
        scored(BertScore("en-13a", bert, layer), PAIRS)


def test_a_folder_that_does_not_load_is_told(tmp_path):
    with pytest.raises(PolicyError, match="loads from the checkpoint"):
        scored(BertScore("en-13a", str(tmp_path)), PAIRS)
