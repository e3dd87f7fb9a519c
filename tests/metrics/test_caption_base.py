"""What all scores of captions share: nothing is lost on the way through bytes and processes."""

import copy
import math
import pickle
import warnings
from datetime import timedelta
from pathlib import Path

import pytest
import torch
from hypothesis import given
from torch import distributed, multiprocessing

from emolit import __version__
from emolit.metrics.bleu import Bleu
from emolit.metrics.caption_base import Item
from emolit.metrics.caption_counts import Written
from emolit.metrics.cider_d import CiderD
from emolit.metrics.distinct import Distinct
from emolit.metrics.emotion_set_f1 import EmotionSetF1
from emolit.metrics.rouge_l import RougeL
from emolit.metrics.sacre_bleu import SacreBleu
from emolit.metrics.self_bleu import SelfBleu
from tests.metrics.pairs import pairs, scored

ALL = (Written, Bleu, RougeL, CiderD, EmotionSetF1, Distinct, SelfBleu, SacreBleu)
ODD = [
    ("", ["声音低沉"]),
    (None, ["。。。", "slow"]),
    ("……！", ["愤怒,声音very高"]),
    ("line one\nline\u2028two\x00", ["a\tb\r\nc"]),
    ("\ud800 half a pair", ["\\n \" 'quoted'"]),
    ("声音低沉", [f"声音{number}" for number in range(40)]),
]
"""Empty, unreadable, punctuation only, mixed, control characters, 40 references."""


def test_every_text_comes_back_as_it_went_in():
    metric = Bleu("zh-char")
    for said, wanted in ODD:
        metric.update([said], [wanted])
    assert sorted(metric.items(), key=str) == sorted((Item(s, tuple(w)) for s, w in ODD), key=str)


@pytest.mark.parametrize("kind", ALL)
def test_odd_captions_are_scored_and_none_is_left_out(kind):
    found = scored(kind("zh-char"), ODD)
    assert all(math.isfinite(value) for value in found.values())
    assert float(scored(Written("zh-char"), ODD)["n"]) == len(ODD)


@pytest.mark.parametrize("kind", ALL)
@given(pairs=pairs)
def test_order_and_batches_change_nothing_to_the_last_bit(kind, pairs):
    whole = scored(kind("zh-char"), pairs)
    for size, order in ((1, pairs), (7, pairs[::-1])):
        other = scored(kind("zh-char"), order, size)
        assert other == pytest.approx(whole, abs=0, nan_ok=True)


@pytest.mark.parametrize("kind", ALL[1:])
@pytest.mark.filterwarnings("ignore:The ``compute`` method of metric")
def test_before_any_caption_there_is_no_number(kind):
    metric = kind("en-13a")
    assert all(
        value.isnan() and value.dtype == torch.float64 for value in metric.compute().values()
    )
    metric.update([], [])
    assert all(value.isnan() for value in metric.compute().values())


def test_a_caption_without_reference_is_refused():
    with pytest.raises(ValueError, match=r"2 captions for 2 lists of references of the lengths"):
        Bleu("zh-char").update(["a", "b"], [["a"], []])
    with pytest.raises(ValueError, match="1 captions for 2 lists"):
        Bleu("zh-char").update(["a"], [["a"], ["b"]])


def test_the_signature_says_how_a_score_came_about():
    metric = Bleu("zh-char")
    scored(metric, [("a", ["a"]), ("b", ["b", "c", "d"])])
    assert metric.signatures()["BLEU_4"] == (
        f"BLEU_4|tok:zh-char|punct:keep|case:lower|refs:1-3|impl:coco|emolit:{__version__}"
    )


def test_scores_survive_reset_pickling_and_copying():
    metric = CiderD("zh-char")
    wanted = scored(metric, ODD)
    for other in (copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))):
        assert {name: float(value) for name, value in other.compute().items()} == wanted
    metric.reset()
    assert scored(metric, ODD) == wanted


def work(rank: int, world: int, folder: str, shares: list) -> None:
    """Score this rank's share and leave the numbers in a file."""
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo",
        init_method=f"file://{folder}/meet",
        rank=rank,
        world_size=world,
        timeout=timedelta(seconds=60),
    )
    warnings.simplefilter("ignore")  # a rank saw no caption
    found = {}
    for kind in ALL:
        metric = kind("zh-char")
        found |= scored(metric, shares[rank]) | metric.signatures()
    torch.save(found, Path(folder) / f"{rank}.pt")
    distributed.destroy_process_group()


def alone(captions):
    found = {}
    for kind in ALL:
        metric = kind("zh-char")
        found |= scored(metric, captions) | metric.signatures()
    return found


@pytest.mark.parametrize("world", [2, 4])
def test_processes_give_the_numbers_of_one_even_where_some_saw_nothing(tmp_path, world):
    captions = [*ODD, *((f"声音{i}低", [f"声{i % 3}低", "慢"]) for i in range(9))]
    shares = [captions[:10], captions[10:], [], []][:world]
    multiprocessing.spawn(work, (world, str(tmp_path), shares), nprocs=world)
    for rank in range(world):
        assert torch.load(tmp_path / f"{rank}.pt") == alone(captions)
