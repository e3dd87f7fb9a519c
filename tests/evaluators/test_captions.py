"""Captions by corpus: the stored scores, whatever the batches and processes."""

import copy
import json
import math
import pickle

import pytest
import torch
from jsonargparse import ArgumentParser
from torch import multiprocessing
from torchmetrics import MeanMetric

from emolit.errors import ConfigError, CorpusError
from emolit.evaluators import Evaluator
from emolit.evaluators.captions import Captions
from emolit.judges.encoder import SentenceEncoder
from emolit.metrics.bleu import Bleu
from emolit.metrics.meteor import Meteor
from emolit.text.coco import treebank_tokens
from tests.evaluators.answers import evaluation
from tests.evaluators.caption_worker import captioned, score
from tests.fakes.models import text_model

ROWS = [
    ("one", "声音低沉", ("声音低沉，语速慢", "很低")),
    ("one", "声音高", ("声音很高",)),
    ("two", "a voice", ("a low voice",)),
    ("one", None, ("语速慢",)),
]


def started(*names, **settings):
    evaluator = Captions(**settings)
    evaluator.start(names)
    return evaluator


def test_the_stored_pairs_have_the_stored_scores(shared):
    stored = json.loads((shared / "reference" / "caption_reference_cases.json").read_text())["zh"]
    evaluator = started("zh")
    for pair in stored["pairs"]:
        evaluator.update(captioned(("zh", pair["hyp"], tuple(pair["refs"]))))
    found = {key: float(value) for key, value in evaluator.compute().items()}
    theirs = stored["char"]["pycocoevalcap"]
    wanted = {f"zh/BLEU_{order}": theirs[f"Bleu_{order}"]["corpus"] for order in range(1, 5)}
    wanted |= {"zh/ROUGE_L": theirs["ROUGE_L"]["corpus"], "zh/CIDEr_D": theirs["CIDEr"]["corpus"]}
    wanted |= {"zh/vocabulary": 39, "zh/tokens": 65, "zh/n": 7, "zh/parse_rate": 1}
    assert {key: found[key] for key in wanted} == pytest.approx(wanted, abs=1e-9)
    sacre = stored["char"]["sacrebleu"]["corpus"]
    assert found["zh/sacreBLEU"] == pytest.approx(sacre, abs=1e-6)


def test_each_corpus_is_scored_by_itself_and_nothing_is_left_out():
    evaluator = started("one", "two", "none")
    evaluator.update(captioned(*ROWS))
    scores = evaluator.compute()
    assert (float(scores["one/n"]), float(scores["two/n"])) == (3, 1)
    assert float(scores["one/parse_rate"]) == pytest.approx(2 / 3)
    assert scores["none/BLEU_4"].isnan() and float(scores["none/n"]) == 0
    alone = started("one")
    alone.update(captioned(*(row for row in ROWS if row[0] == "one")))
    for key, value in alone.compute().items():
        assert float(value) == pytest.approx(float(scores[key]), abs=0, nan_ok=True)
    assert all(value.dtype == torch.float64 and value.dim() == 0 for value in scores.values())


def test_every_score_but_counts_has_a_signature():
    evaluator = started("one", "two")
    evaluator.update(captioned(*ROWS))
    names = {key.split("/")[1] for key in evaluator.compute()}
    told = evaluator.signatures()
    assert {key.split("/")[1] for key in told} == names - {"n", "parse_rate", "references"}
    assert {*evaluator.headline} == names - {"n", "references"}
    assert "|tok:zh-char|punct:keep|case:lower|refs:1-2|impl:coco|" in told["one/BLEU_4"]
    assert "|refs:1-1|" in told["two/CIDEr_D"]


def test_two_processes_give_the_numbers_of_one(tmp_path):
    rows = [*ROWS, *(("one", f"声音{n}", (f"声音{n % 3}低",)) for n in range(9))]
    shares, names = [rows[:3], rows[3:]], ["one", "two", "seen by nobody"]
    multiprocessing.spawn(score, (2, str(tmp_path), shares, names), nprocs=2)
    alone = started(*names)
    alone.update(captioned(*rows))
    wanted = {key: float(value.nan_to_num(-1)) for key, value in alone.compute().items()}
    for rank in range(2):
        scores, told = torch.load(tmp_path / f"{rank}.pt")
        assert {key: float(value.nan_to_num(-1)) for key, value in scores.items()} == wanted
        assert told == alone.signatures()


def test_a_clip_without_reference_stops_and_counts_nothing_of_its_batch():
    evaluator = started("one")
    with pytest.raises(CorpusError, match="'one-1' of 'one' has no reference caption"):
        evaluator.update(captioned(ROWS[0], ("one", "x", ())))
    assert float(evaluator.compute()["one/n"]) == 0


def test_an_answer_that_is_a_list_is_no_caption():
    evaluator = started("one")
    with pytest.raises(ConfigError, match=r"\('sad', 'low'\) is a list of words"):
        evaluator.update(captioned(("one", ("sad", "low"), ("x",))))
    with pytest.raises(CorpusError, match="has no reference"):
        evaluator.update(evaluation(("one", "sad", "sad")))


def test_an_unknown_tokenizer_is_refused_at_once():
    with pytest.raises(ConfigError, match="no tokenizer 'chars'"):
        Captions("chars")


def test_a_tokenizer_whose_program_is_missing_is_refused_at_once(monkeypatch, tmp_path):
    treebank_tokens.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="'en-ptb' is a Java program, and there is no `java`"):
        Captions("en-ptb")


def test_embedding_similarity_comes_with_an_encoder(tmp_path):
    encoder = SentenceEncoder(str(text_model(tmp_path, "AutoModel")))
    evaluator = started("one", "two", encoder=encoder)
    for _ in range(2):  # the model is shared, not loaded for each corpus and epoch
        evaluator.start(("one", "two"))
        evaluator.update(captioned(("one", "low voice", ("low voice",)), ("one", None, ("x",))))
    assert float(evaluator.compute()["one/embedding_similarity"]) == pytest.approx(0.5, abs=1e-6)
    assert "encoder:" in evaluator.signatures()["one/embedding_similarity"]
    assert all(scores.extra[0].encoder is encoder for scores in evaluator.sets)


def test_further_metrics_are_made_from_the_tokenizer():
    class Length(MeanMetric):
        def __init__(self, tokenizer):
            super().__init__()

        def update(self, captions, references):
            super().update(torch.tensor([float(len(caption or "")) for caption in captions]))

    pytest.importorskip("nltk")
    evaluator = started("one", metrics=[Meteor, Length])
    evaluator.update(captioned(("one", "声音", ("声音",)), ("one", "声", ("低",))))
    scores = evaluator.compute()
    assert float(scores["one/Length"]) == 1.5
    assert 0.4 < float(scores["one/METEOR"]) < 0.5
    assert "one/METEOR" in evaluator.signatures() and "one/Length" not in evaluator.signatures()


def test_metrics_come_from_yaml_as_factories(tmp_path):
    config = tmp_path / "node.yaml"
    config.write_text(
        "evaluator:\n"
        "  class_path: emolit.evaluators.captions.Captions\n"
        "  init_args:\n"
        "    tokenizer: en-13a\n"
        "    metrics:\n"
        "    - emolit.metrics.distinct.Distinct\n"
        "    - {class_path: emolit.metrics.meteor.Meteor, init_args: {synonyms: none}}\n"
    )
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--config", action="config")
    parser.add_subclass_arguments(Evaluator, "evaluator")
    evaluator = parser.instantiate(parser.parse_args(["--config", str(config)])).evaluator
    evaluator.start(("one",))
    assert [metric.tokenizer for metric in evaluator.sets[0].extra] == ["en-13a"] * 2


def test_two_scores_of_one_name_are_refused():
    evaluator = started("one", metrics=[Bleu])
    evaluator.update(captioned(ROWS[0]))
    with pytest.raises(ConfigError, match=r"score \['BLEU_1', .*\] twice"):
        evaluator.compute()


def test_scores_survive_pickling_and_copying():
    evaluator = started("one", "two")
    evaluator.update(captioned(*ROWS))
    wanted = {key: float(value) for key, value in evaluator.compute().items()}
    for other in (copy.deepcopy(evaluator), pickle.loads(pickle.dumps(evaluator))):
        found = {key: float(value) for key, value in other.compute().items()}
        assert all(found[key] == wanted[key] or math.isnan(wanted[key]) for key in wanted)
