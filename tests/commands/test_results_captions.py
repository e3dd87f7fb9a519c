"""Scores of captions from prediction files: those of the metrics, whatever the clusters."""

import importlib

import numpy as np
import pytest

from emolit.metrics.bleu import Bleu
from emolit.metrics.cider_d import CiderD
from emolit.metrics.emotion_set_f1 import EmotionSetF1
from emolit.metrics.rouge_l import RougeL
from tests.metrics.pairs import scored

PAIRS = [
    ("语气愤怒，语速很快", ["声音里带着愤怒"]),
    (None, ["她很难过"]),
    ("语速很快", ["语速很快，心情愉快", "开心"]),
    ("心情愉快", ["语速很快"]),
]
SIGNATURE = "BLEU_4|tok:zh-char-nopunct|punct:drop|case:lower|refs:1-2|impl:coco|emolit:0"


@pytest.fixture(scope="module")
def tool():
    return importlib.import_module("emolit.commands.results.captions")


@pytest.mark.parametrize("clusters", [(0, 1, 2, 3), (0, 1, 0, 1)])
def test_the_sum_over_clusters_has_the_score_of_the_metric(tool, clusters):
    wanted = {}
    for kind in (Bleu, RougeL, CiderD, EmotionSetF1):
        wanted |= scored(kind("zh-char-nopunct"), PAIRS)
    lines = [{"answer": said, "captions": some} for said, some in PAIRS]
    for name, score in tool.SCORES.items():
        parts = tool.statistics(name, lines, SIGNATURE, clusters)
        assert len(parts) == max(clusters) + 1
        assert score.value(parts.sum(0)[None])[0] == pytest.approx(wanted[name], abs=1e-9)
    assert np.isfinite([wanted[name] for name in tool.SCORES]).all()
