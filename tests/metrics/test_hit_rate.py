"""Hit rates against every stored value, and by hand."""

import json

import pytest
import torch

from emolit.metrics.hit_rate import HitRate, hit_or_not, hit_rates
from emolit.text.words import split_list_as_released
from tests.lexicons import Toy, released

STORED = {"2025": "affectgpt_v2025", "2026": "affectgpt_code_with_mer2026_mapping"}


def read(words):
    return split_list_as_released(words) if isinstance(words, str) else words


@pytest.fixture
def stored(shared):
    return json.loads((shared / "reference" / "reference_cases.json").read_text("utf-8"))


@pytest.mark.parametrize("version", STORED)
@pytest.mark.parametrize("size", [1, 2, 100])
def test_every_stored_value_comes_out_of_batches_of_any_size(stored, shared, version, size):
    assert len(stored["hitrate"]) == 3
    for case in stored["hitrate"]:
        metric = HitRate(released(shared, version))
        names = list(case["gt"])
        for start in range(0, len(names), size):
            some = names[start : start + size]
            metric.update([read(case["pred"][n]) for n in some], [case["gt"][n] for n in some])
        wanted = case["scores"][STORED[version]]
        found = metric.compute()
        by_wheel = hit_rates(*torch.cat(metric.bits).unbind(1)).tolist()
        for wheel, values in zip(metric.wheels, by_wheel, strict=True):
            scores = wanted[f"{wheel}_level1"]
            assert values == pytest.approx([scores["hitrate"], scores["mscore"]], abs=1e-9)
            assert float(found[f"hit_rate/{wheel}"]) == values[0]
        assert float(found["hit_rate"]) == pytest.approx(wanted["avg"]["hitrate"], abs=1e-9)
        assert float(found["mscore"]) == pytest.approx(wanted["avg"]["mscore"], abs=1e-9)


def test_hit_or_not_is_as_stored(stored, shared):
    assert len(stored["hit_or_not"]) == 7
    for case in stored["hit_or_not"]:
        lexicon = released(shared, "2025")
        found = hit_or_not(lexicon, read(case["pred"]), read(case["gt"]))
        assert found == case["affectgpt_v2025"]


def test_an_unreadable_answer_misses_and_a_label_without_group_leaves_its_wheel():
    metric = HitRate(Toy())
    metric.update([[], ["lost"], ["neutral", "sad"]], ["sad", "lost", "neutral"])
    found = metric.compute()
    assert float(found["hit_rate/fine"]) == pytest.approx(2 / 3)
    assert float(found["hit_rate/coarse"]) == 0.5
    assert float(found["unplaced/coarse"]) == pytest.approx(1 / 3)


def test_a_group_that_no_label_of_the_corpus_has_costs_nothing_in_mscore():
    metric = HitRate(Toy(), ["fine"])
    metric.update([["sad", "happy"], ["sad", "angry"]], ["sad", "sad"])
    assert float(metric.compute()["mscore"]) == 1.0
    metric.update([["happy"]], ["happy"])
    assert float(metric.compute()["mscore"]) == pytest.approx((0.5 + 1 + 1) / 3)


def test_without_samples_and_after_a_reset_there_is_no_score():
    metric = HitRate(Toy())
    metric.update([["sad"]], ["sad"])
    metric.reset()
    metric.update([], [])
    assert metric.compute()["hit_rate"].isnan()


def test_more_predictions_than_labels_are_refused():
    with pytest.raises(ValueError, match="1 predictions for 0 labels"):
        HitRate(Toy()).update([["sad"]], [])
