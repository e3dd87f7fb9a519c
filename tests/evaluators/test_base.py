import pytest
import torch
from torch import Tensor, nn
from torchmetrics import MeanMetric

from emolit.errors import CorpusError
from emolit.evaluators import Evaluator
from emolit.types import Evaluation
from tests.evaluators.answers import evaluation


class Length(Evaluator):
    """Mean length of the responses."""

    def build(self) -> nn.Module:
        return MeanMetric()

    def update(self, evaluation: Evaluation) -> None:
        for clip, response in zip(evaluation.batch.clips, evaluation.responses, strict=True):
            self.set_of(clip.corpus).update(len(response))

    def compute(self) -> dict[str, Tensor]:
        return {f"{name}/length": self.set_of(name).compute() for name in self.corpora}


def test_an_evaluator_without_closed_labels_has_no_confusion():
    evaluator = Length()
    evaluator.start(("one",))
    evaluator.update(evaluation(("one", None, ("glad", "proud"))))
    assert evaluator.confusion() == {}
    assert evaluator.labels == ()
    assert evaluator.compute()["one/length"] == len("says ('glad', 'proud')")


def test_an_abstract_evaluator_cannot_be_built():
    with pytest.raises(TypeError, match="abstract"):
        Evaluator()


def test_a_clip_of_a_corpus_that_was_not_started_is_an_error():
    evaluator = Length()
    evaluator.start(("one",))
    with pytest.raises(CorpusError, match=r"corpus 'two' came in.*\['one'\]"):
        evaluator.update(evaluation(("two", "sad", "sad")))


def test_a_corpus_listed_twice_is_an_error():
    with pytest.raises(CorpusError, match="repeat \\['one'\\]"):
        Length().start(("one", "two", "one"))


@pytest.mark.filterwarnings("ignore:The ``compute`` method of metric")  # two saw no clip
def test_corpora_may_have_any_name():
    evaluator = Length()
    evaluator.start(("keys", "a.b", "update"))
    evaluator.update(evaluation(("a.b", "sad", "sad")))
    assert evaluator.compute()["a.b/length"] == len("says sad")


def test_sets_live_on_the_device_of_the_evaluator_and_in_no_checkpoint():
    evaluator = Length().to("meta")
    evaluator.start(("one",))
    assert evaluator.sets[0].mean_value.device == torch.device("meta")
    assert evaluator.state_dict() == {}


@pytest.mark.filterwarnings("ignore:The ``compute`` method of metric")  # nothing was counted
def test_reset_and_start_forget_the_answers():
    evaluator = Length()
    for forget in (lambda: evaluator.start(("one",)), evaluator.reset):
        evaluator.start(("one",))
        evaluator.update(evaluation(("one", "sad", "sad")))
        forget()
        assert evaluator.corpora == ("one",)
        assert evaluator.compute()["one/length"].isnan()
