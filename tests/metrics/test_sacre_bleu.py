"""sacrebleu's scores against the stored ones."""

import pytest

from emolit.metrics.caption_base import Item
from emolit.metrics.sacre_bleu import SacreBleu, by_place
from tests.metrics.pairs import cases, scored, texts


@pytest.mark.parametrize(
    ("language", "kind", "name"), [("en", "ptb", "en-13a"), ("zh", "char", "zh-char-nopunct")]
)
def test_texts_have_the_stored_scores_and_signature(shared, language, kind, name):
    stored = cases(shared)[language][kind]
    metric = SacreBleu(name)
    assert metric.signatures() == {}
    found = scored(metric, list(zip(*texts(shared, language), strict=True)))
    assert found["sacreBLEU"] == pytest.approx(stored["sacrebleu"]["corpus"], abs=1e-6)
    assert found["chrF"] == pytest.approx(stored["sacrebleu_chrf2"], abs=1e-6)
    told = metric.signatures()["sacreBLEU"]
    assert told.split("|version")[0] == stored["sacrebleu"]["signature"].split("|version")[0]


def test_clips_with_fewer_references_have_none_in_their_place():
    _, wanted = by_place([Item("a", ("b", "c\nd")), Item("e", ("f",))])
    assert wanted == [["b", "f"], ["c d", None]]
