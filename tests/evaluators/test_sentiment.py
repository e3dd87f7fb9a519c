import json

import pytest
from sklearn.metrics import accuracy_score, f1_score

from emolit.errors import CorpusError
from emolit.evaluators.sentiment import Sentiment
from emolit.types import Answer, Clip, Evaluation
from tests.evaluators.answers import batch_of


def started(zeros="out") -> Sentiment:
    evaluator = Sentiment(zeros)
    evaluator.start(("one",))
    return evaluator


def evaluation(golds: list[float | None], answers: list[Answer | None]) -> Evaluation:
    clips = [Clip(f"{i}", "one", "a.wav", sentiment=gold) for i, gold in enumerate(golds)]
    return Evaluation(batch_of(clips, ()), ("?",) * len(clips), tuple(answers))


def test_every_stored_value_comes_out(shared):
    stored = json.loads((shared / "reference" / "reference_cases.json").read_text("utf-8"))
    assert len(stored["sentiment"]) == 4
    for case in stored["sentiment"]:
        evaluator = started()
        evaluator.update(evaluation(case["valence_gt"], case["pred_text"]))
        scores = evaluator.compute()
        assert float(scores["one/weighted_F1"]) == pytest.approx(case["fscore_weighted"], abs=1e-9)
        assert float(scores["one/WA"]) == pytest.approx(case["accuracy"], abs=1e-9)


@pytest.mark.parametrize("zeros", ["out", "positive"])
def test_both_forms_equal_sklearn(zeros):
    golds = [-1.0, 0.0, 0.4, 2.0, -0.2, 0.0, 1.0]
    answers = ["negative", "neutral", "positive", "neutral", "neutral", "negative", "negative"]
    signs = {"negative": -1, "neutral": 0, "positive": 1}
    pairs = [(g, signs[a]) for g, a in zip(golds, answers, strict=True)]
    if zeros == "out":
        sides = [(g > 0, a > 0) for g, a in pairs if g != 0]
    else:
        sides = [(g >= 0, a >= 0) for g, a in pairs]
    truth, said = zip(*sides, strict=True)
    evaluator = started(zeros)
    evaluator.update(evaluation(golds, answers))
    scores = evaluator.compute()
    assert float(scores["one/n"]) == len(sides)
    assert float(scores["one/WA"]) == pytest.approx(accuracy_score(truth, said))
    wanted = f1_score(truth, said, average="weighted")
    assert float(scores["one/weighted_F1"]) == pytest.approx(wanted)
    assert ("non0" if zeros == "out" else "has0") in evaluator.signatures()["one/WA"]


@pytest.mark.parametrize(
    ("answer", "sign"),
    [
        ("Positive.", 1),
        (("Negative",), -1),
        ("情绪是积极的", 1),
        ("mixed", 0),
        ((), 0),
        (("angry", "hopeful", "sad"), -1),
        (("sad", "glad"), 0),
        ("She sounds delighted and proud", 1),
        (("neutral", "calm"), 0),
    ],
)
def test_words_say_a_polarity_themselves_or_by_their_majority(answer, sign):
    assert Sentiment().polarity(answer) == sign


def test_an_unreadable_answer_is_wrong_and_counted():
    evaluator = started()
    evaluator.update(evaluation([-1.0, 1.0], [None, "positive"]))
    scores = evaluator.compute()
    assert (float(scores["one/WA"]), float(scores["one/parse_rate"])) == (0.5, 0.5)
    assert float(scores["one/support/negative"]) == 1


def test_a_clip_without_sentiment_is_an_error_and_nothing_is_counted():
    evaluator = started()
    with pytest.raises(CorpusError, match=r"clip '1' of 'one' has no sentiment"):
        evaluator.update(evaluation([1.0, None], ["positive", "positive"]))
    assert float(evaluator.compute()["one/n"]) == 0
