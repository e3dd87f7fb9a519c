"""A short name is that of the training corpus; what validation does not log is refused."""

import pytest

from emolit.affect.taxonomy import Taxonomy
from emolit.errors import ConfigError
from emolit.evaluators.captions import Captions
from emolit.evaluators.categorical import Categorical
from emolit.evaluators.open_vocabulary import OpenVocabulary
from emolit.evaluators.sentiment import Sentiment
from emolit.tasks.monitors import whole_name
from emolit.types import Batch, Clip, Evaluation

SCORES = ("UA", "recall/sad")


@pytest.mark.parametrize(
    ("monitor", "own", "wanted"),
    [
        ("UA", ["a"], "val/a/UA"),
        ("recall/sad", ["b"], "val/b/recall/sad"),
        ("val/b/UA", ["a"], "val/b/UA"),
        ("val/b/recall/sad", ["a", "b"], "val/b/recall/sad"),
        ("train/loss", ["a"], "train/loss"),
    ],
)
def test_a_monitor_becomes_a_whole_log_key(monitor, own, wanted):
    assert whole_name("It", monitor, ["a", "b"], own, SCORES) == wanted


@pytest.mark.parametrize(
    ("monitor", "own", "words"),
    [
        ("val/c/UA", ["a"], r"'val/c/UA', which .* logs val/a/UA, val/b/UA, val/a/recall"),
        ("val/a/UAR", ["a"], "does not log"),
        ("UAR", ["a"], "does not log"),
        ("test/a/UA", ["a"], "does not log"),
        ("UA", ["a", "b"], "2 corpora train and validate: name one of val/a/UA, val/b/UA"),
        ("UA", [], "0 corpora train and validate"),
    ],
)
def test_what_is_not_logged_is_refused_with_what_is(monitor, own, words):
    with pytest.raises(ConfigError, match=words):
        whole_name("It", monitor, ["a", "b"], own, SCORES)


LABELS = ("angry", "sad")
CASES = [
    (Categorical(Taxonomy(LABELS)), Clip(id="1", corpus="c", path="", label="sad"), "sad"),
    (OpenVocabulary(), Clip(id="1", corpus="c", path="", label="sad"), ("sad", "glad")),
    (Sentiment(), Clip(id="1", corpus="c", path="", sentiment=-1.0), "sad"),
    (Captions("en-13a"), Clip(id="1", corpus="c", path="", captions=("a b",)), "a b"),
]


@pytest.mark.parametrize(("evaluator", "clip", "answer"), CASES, ids=lambda one: type(one).__name__)
def test_the_names_of_scores_are_known_before_any_clip(evaluator, clip, answer):
    evaluator.start(("kept",))
    known = set(evaluator.scores())
    assert evaluator.corpora == ("kept",)
    evaluator.start(("c",))
    batch = Batch((clip,), ("?",), (None,), LABELS, (), 16_000)
    evaluator.update(Evaluation(batch, (str(answer),), (answer,), {}, {}))
    assert known >= {key.partition("/")[2] for key in evaluator.compute()}
