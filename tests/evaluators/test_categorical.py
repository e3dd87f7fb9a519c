import copy
import json
import pickle
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from jsonargparse import ArgumentParser
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score
from torch import multiprocessing
from torchmetrics import Metric
from torchmetrics.classification import MulticlassAccuracy, MulticlassCohenKappa

from emolit.affect.taxonomy import Taxonomy
from emolit.errors import ConfigError, CorpusError
from emolit.evaluators import Evaluator
from emolit.evaluators.categorical import Categorical
from emolit.evaluators.confidence import OptionProbability, SelfConsistency
from emolit.types import Evaluation
from tests.evaluators.answers import LABELS, evaluation
from tests.evaluators.worker import Table, score


def started(*names: str, metrics: list[Callable[[int], Metric]] | None = None) -> Categorical:
    evaluator = Categorical(Taxonomy(LABELS), metrics)
    evaluator.start(names)
    return evaluator


def test_each_corpus_is_scored_by_itself_in_one_pass():
    evaluator = started("one", "two")
    evaluator.update(
        evaluation(
            ("one", "sad", "sad"),
            ("two", "angry", "happy"),
            ("one", "angry", None),
            ("two", "happy", "happy"),
        )
    )
    scores = evaluator.compute()
    assert float(scores["one/UA"]) == 0.5
    assert float(scores["two/WA"]) == 0.5
    assert (float(scores["one/parse_rate"]), float(scores["two/parse_rate"])) == (0.5, 1.0)
    assert (float(scores["one/n"]), float(scores["two/n"])) == (2.0, 2.0)
    assert evaluator.confusion()["one"].tolist() == [[0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 1, 0]]


def test_keys_are_corpus_score_and_label_and_values_are_float64_scalars():
    evaluator = started("one")
    evaluator.update(evaluation(("one", "sad", "sad")))
    scores = evaluator.compute()
    plain = ("n", "UA", "WA", "macro_F1", "weighted_F1", "parse_rate", "foreign_rate")
    by_class = ("recall", "precision", "F1", "support")
    wanted = {f"one/{name}" for name in plain}
    wanted |= {f"one/{name}/{label}" for name in by_class for label in LABELS}
    assert set(scores) == wanted
    assert {(value.dtype, value.dim()) for value in scores.values()} == {(torch.float64, 0)}
    assert scores["one/recall/angry"].isnan()
    assert float(scores["one/support/angry"]) == 0.0


def test_stored_cases_come_out_through_words(shared: Path):
    stored = json.loads((shared / "reference" / "ser_reference_cases.json").read_text())
    for case in stored["cases"]:
        rule = case["house_rule"]
        names = [f"label {index}" for index in rule["labels"]]
        evaluator = Categorical(Taxonomy(tuple(names)))
        evaluator.start(("stored",))
        words = dict(enumerate(names))
        rows = zip(case["y_true"], case["y_pred"], strict=True)
        table = [("stored", words[truth], words.get(answer)) for truth, answer in rows]
        for begin in range(0, len(table), 7):
            evaluator.update(evaluation(*table[begin : begin + 7]))
        scores = evaluator.compute()
        for key, name in {"UA": "UA", "WA": "WA", "macro_F1": "macro_f1"}.items():
            assert float(scores[f"stored/{key}"]) == pytest.approx(rule[name], abs=1e-6)
        assert float(scores["stored/n"]) == rule["n"]


def test_an_answer_foreign_to_the_corpus_is_wrong_and_its_rate_is_reported():
    evaluator = started("one")
    rows = [("one", "sad", "sad"), ("one", "sad", "happy"), ("one", "angry", "happy")]
    evaluator.update(evaluation(*rows, ("one", "angry", "angry")))
    scores = evaluator.compute()
    assert float(scores["one/foreign_rate"]) == 0.5
    assert float(scores["one/parse_rate"]) == 1.0
    assert float(scores["one/UA"]) == 0.5


def test_a_corpus_without_clips_has_no_score_and_makes_no_noise():
    evaluator = started("one", "empty", metrics=[MulticlassCohenKappa])
    evaluator.update(evaluation(("one", "sad", "sad"), ("one", "angry", "angry")))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = evaluator.compute()
    assert float(scores["empty/n"]) == 0
    assert scores["empty/UA"].isnan()
    assert "empty/MulticlassCohenKappa" not in scores


def test_a_clip_without_label_is_an_error():
    with pytest.raises(CorpusError, match=r"clip 'one-0' of 'one' has no label"):
        started("one").update(evaluation(("one", None, "sad")))


def test_a_label_outside_the_set_is_an_error():
    with pytest.raises(CorpusError, match="'calm' is not among"):
        started("one").update(evaluation(("one", "calm", "sad")))


@pytest.mark.parametrize("answer", ["calm", ("sad", "angry")])
def test_an_answer_outside_the_set_is_an_error(answer: str | tuple[str, ...]):
    with pytest.raises(ConfigError, match="not among the labels"):
        started("one").update(evaluation(("one", "sad", answer)))


def test_nothing_is_counted_of_a_batch_that_is_refused():
    evaluator = started("one")
    with pytest.raises(CorpusError):
        evaluator.update(evaluation(("one", "sad", "sad"), ("one", None, "sad")))
    assert float(evaluator.compute()["one/n"]) == 0


def test_a_torchmetrics_class_sees_unreadable_answers_as_class_k():
    truths = ["sad", "sad", "happy", "angry", "angry"]
    answers = ["sad", None, "happy", "sad", "angry"]
    evaluator = started("one", metrics=[MulticlassCohenKappa])
    evaluator.update(evaluation(*(("one", t, a) for t, a in zip(truths, answers, strict=True))))
    found = float(evaluator.compute()["one/MulticlassCohenKappa"])
    theirs = cohen_kappa_score(truths, [answer or "unreadable" for answer in answers])
    assert found == pytest.approx(theirs, abs=1e-6)


def test_a_torchmetrics_class_with_a_number_a_class_gets_a_key_a_class():
    evaluator = started("one", metrics=[lambda n: MulticlassAccuracy(n, average=None)])
    evaluator.update(evaluation(("one", "sad", "sad"), ("one", "happy", None)))
    scores = evaluator.compute()
    assert float(scores["one/MulticlassAccuracy/sad"]) == 1.0
    assert float(scores["one/MulticlassAccuracy/happy"]) == 0.0
    assert "one/MulticlassAccuracy/unreadable" in scores


def test_a_metric_that_is_no_number_is_refused_by_name():
    class Shapeless(MulticlassAccuracy):
        def compute(self) -> tuple[int, int]:
            return (1, 2)

    evaluator = started("one", metrics=[Shapeless])
    evaluator.update(evaluation(("one", "sad", "sad")))
    with pytest.raises(ConfigError, match="'Shapeless' returned"):
        evaluator.compute()


def test_two_metrics_under_one_name_are_refused():
    with pytest.raises(ConfigError, match=r"'MulticlassCohenKappa'.*listed twice"):
        started("one", metrics=[MulticlassCohenKappa, MulticlassCohenKappa])


def test_a_torchmetrics_class_comes_from_yaml_as_a_factory(tmp_path: Path):
    config = tmp_path / "node.yaml"
    config.write_text(
        "evaluator:\n"
        "  class_path: emolit.evaluators.categorical.Categorical\n"
        "  init_args:\n"
        "    taxonomy: {labels: [angry, happy, sad]}\n"
        "    metrics:\n"
        "    - class_path: torchmetrics.classification.MulticlassF1Score\n"
        "      init_args: {average: micro}\n"
    )
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--config", action="config")
    parser.add_subclass_arguments(Evaluator, "evaluator")
    evaluator = parser.instantiate(parser.parse_args(["--config", str(config)])).evaluator
    evaluator.start(("one",))
    rows = [("one", "sad", "sad"), ("one", "sad", "sad"), ("one", "angry", None)]
    evaluator.update(evaluation(*rows))
    assert evaluator.sets[0].extra[0].num_classes == len(LABELS) + 1
    assert float(evaluator.compute()["one/MulticlassF1Score"]) == pytest.approx(2 / 3)


def test_scores_survive_pickling_and_copying():
    evaluator = started("one", metrics=[MulticlassCohenKappa])
    evaluator.update(evaluation(("one", "sad", "sad"), ("one", "angry", None)))
    wanted = {key: float(value.nan_to_num(-1)) for key, value in evaluator.compute().items()}
    for other in (copy.deepcopy(evaluator), pickle.loads(pickle.dumps(evaluator))):
        scores = other.compute()
        assert {key: float(value.nan_to_num(-1)) for key, value in scores.items()} == wanted


def test_two_processes_give_the_numbers_of_one(tmp_path: Path):
    table: Table = [
        ("one", LABELS[i % 3], (*LABELS, None)[(i * 7 + i // 5) % 4]) for i in range(23)
    ]
    seen_by_one_rank_only: Table = [("two", "sad", "sad"), ("two", "happy", None)]
    shares = [table[:9], table[9:] + seen_by_one_rank_only]
    names = ("one", "two", "seen by nobody")
    multiprocessing.spawn(score, (2, str(tmp_path), shares, names), nprocs=2)
    alone = started(*names, metrics=[MulticlassCohenKappa])
    alone.update(evaluation(*shares[0], *shares[1]))
    wanted = {key: value.nan_to_num(-1) for key, value in alone.compute().items()}
    for rank in range(2):
        scores, confusion, rows = torch.load(tmp_path / f"{rank}.pt")
        assert {key: value.nan_to_num(-1) for key, value in scores.items()} == wanted
        assert {key: counts.tolist() for key, counts in confusion.items()} == {
            key: counts.tolist() for key, counts in alone.confusion().items()
        }
        assert rows == shares[0] + shares[1]
    truths = [truth for _, truth, _ in table]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = balanced_accuracy_score(truths, [answer or "none" for *_, answer in table])
    assert float(wanted["one/UA"]) == pytest.approx(theirs, abs=1e-12)


def spread(*rows: tuple[str, str | None, str | None], **shares: list[list[float]]) -> Evaluation:
    """Answers with distributions by the name of a confidence."""
    found = {name: torch.tensor(value, dtype=torch.float64) for name, value in shares.items()}
    return replace(evaluation(*rows), probabilities=found)


def test_confidences_are_scored_by_corpus_and_by_name():
    evaluator = Categorical(Taxonomy(LABELS), confidence=[OptionProbability(), SelfConsistency()])
    evaluator.start(("one", "two", "empty"))
    evaluator.update(
        spread(
            ("one", "sad", "sad"),
            ("two", "angry", None),
            probability=[[0.0, 0.2, 0.8], [0.9, 0.1, 0.0]],
            consistency=[[0.0, 0.6, 0.4], [0.0, 0.0, 0.0]],
        )
    )
    scores = evaluator.compute()
    assert float(scores["one/probability_ECE"]) == pytest.approx(0.2)
    assert float(scores["two/probability_ECE"]) == pytest.approx(0.1)
    assert float(scores["two/probability_agreement"]) == 0
    assert float(scores["one/consistency_AURC"]) == 1
    assert float(scores["two/consistency_agreement"]) == 1
    assert not [key for key in scores if key.startswith("empty/probability")]
    assert not [key for key in scores if "votes" in key]


def test_votes_of_raters_are_read_off_the_clips_and_others_are_left_out():
    evaluator = Categorical(Taxonomy(LABELS), confidence=[OptionProbability()])
    evaluator.start(("one",))
    asked = spread(("one", "sad", "sad"), ("one", "sad", "sad"), probability=[[0, 0.5, 0.5]] * 2)
    clips = tuple(
        replace(clip, votes=votes)
        for clip, votes in zip(
            asked.batch.clips, ({"sad": 1, "happy": 1, "other": 7}, {"other": 3}), strict=True
        )
    )
    evaluator.update(replace(asked, batch=replace(asked.batch, clips=clips)))
    scores = evaluator.compute()
    assert float(scores["one/probability_votes_n"]) == 1
    assert float(scores["one/probability_JSD"]) == pytest.approx(0)
    assert float(scores["one/probability_any_annotator"]) == 1


def test_answers_of_validation_come_without_confidences():
    evaluator = Categorical(Taxonomy(LABELS), confidence=[OptionProbability()])
    evaluator.start(("one",))
    evaluator.update(evaluation(("one", "sad", "sad")))
    assert not [key for key in evaluator.compute() if "probability" in key]


def test_two_confidences_under_one_name_are_refused():
    with pytest.raises(ConfigError, match=r"confidences \['probability'\] are listed twice"):
        Categorical(Taxonomy(LABELS), confidence=[OptionProbability(), OptionProbability()])
