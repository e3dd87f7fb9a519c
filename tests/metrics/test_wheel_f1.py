"""Wheel scores against every stored value of both releases, and by hand."""

import json
import math
import pickle
import warnings
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from emolit.metrics.wheel_f1 import WheelF1, harmonic, set_scores
from emolit.text.words import split_list_as_released
from tests.lexicons import TOY, Toy, released

STORED = {
    "2025": ("affectgpt_v2025", ("free", "nan", "nan")),
    "2026": ("mer2026", ("free", "zero", "zero")),
}
NAMES = ("precision", "recall", "f1")


def read(words):
    return split_list_as_released(words) if isinstance(words, str) else words


def stored(shared: Path):
    return json.loads((shared / "reference" / "reference_cases.json").read_text("utf-8"))


def same(found: float, wanted: float | None) -> bool:
    return math.isnan(found) if wanted is None else abs(found - wanted) < 1e-9


@pytest.mark.filterwarnings("ignore:None of the")  # single samples of unknown words
@pytest.mark.parametrize("version", STORED)
def test_every_stored_value_comes_out(shared, version):
    key, rules = STORED[version]
    cases = {case["id"]: case for case in stored(shared)["ov_cases"]}
    corpora = [{"ids": [name], "scores": case["scores"]} for name, case in cases.items()]
    corpora += stored(shared)["ov_corpora"]
    assert len(corpora) == 52
    checked = 0
    for corpus in corpora:
        metric = WheelF1(released(shared, version), None, *rules)
        for name in corpus["ids"]:
            metric.update([read(cases[name]["pred"])], [read(cases[name]["gt"])])
        values = set_scores(metric.sums[:, :2], metric.kept, *rules[1:]).tolist()
        names = [column.replace("/", "_level") for column in metric.lexicon.columns]
        found = dict(zip(names, values, strict=True))
        scores = metric.compute()
        for ring in (1, 2):
            suffix = "" if ring == 1 else "_ring2"
            average = [scores[name + suffix] for name in ("precision", "recall", "F1")]
            found[f"avg_level{ring}"] = [float(value) for value in average]
        assert found.keys() == corpus["scores"][key].keys()
        for name, wanted in corpus["scores"][key].items():
            pairs = zip(found[name], (wanted[score] for score in NAMES), strict=True)
            assert all(same(*pair) for pair in pairs), (corpus["ids"], name)
            checked += 3
    assert checked == 52 * 14 * 3


@pytest.mark.parametrize("version", STORED)
def test_mapped_sets_are_the_stored_ones(shared, version):
    lexicon, key = released(shared, version), STORED[version][0]
    for case in stored(shared)["ov_cases"]:
        for side, words in (("gt", case["gt"]), ("pred", case["pred"])):
            rows, _ = lexicon.rows(read(words))
            for wheel, column in zip(lexicon.wheels, lexicon.places(), strict=True):
                found = sorted({row[column] for row in rows if row[column]})
                assert found == case["mapped_level1"][key][side][f"{wheel}_level1"]


def test_f_is_the_harmonic_mean_of_means_and_sample_f_another_number():
    metric = WheelF1(Toy(), ["fine"])
    metric.update([["sad"], ["angry", "happy"]], [["sad", "angry"], ["angry"]])
    found = metric.compute()
    assert (float(found["precision"]), float(found["recall"])) == (0.75, 0.75)
    assert float(found["F1"]) == 0.75
    assert float(found["sample_F1"]) == pytest.approx(2 / 3)


def test_samples_without_a_gold_group_leave_their_wheel_only():
    metric = WheelF1(Toy())
    metric.update([["lost"], ["happy"]], [["lost"], ["joyful"]])
    found = metric.compute()
    assert (float(found["left_out/fine"]), float(found["left_out/coarse"])) == (0.0, 0.5)
    assert float(found["F1"]) == 1.0
    assert (float(found["F1_ring2/fine"]), float(found["F1_rings"])) == (0.5, 0.875)


@pytest.mark.parametrize(("unknown", "precision"), [("wrong", 1 / 3), ("free", 1.0)])
def test_unknown_predicted_words_are_wrong_or_free(unknown, precision):
    metric = WheelF1(Toy(), unknown=unknown)
    metric.update([["sad", "xyzzy", "Xyzzy", "plugh"]], [["sad", "unheard-of"]])
    found = metric.compute()
    assert float(found["precision"]) == pytest.approx(precision)
    assert float(found["recall"]) == 1.0


def test_an_answer_that_could_not_be_read_counts_as_nothing_right():
    metric = WheelF1(Toy())
    metric.update([[], ["sad"]], [["sad"], ["sad"]])
    assert float(metric.compute()["precision"]) == 0.5


@pytest.mark.parametrize(("neutral", "f1"), [("own", 1.0), ("drop", 1.0), ("unknown", 6 / 7)])
def test_neutral_counts_by_its_rule(neutral, f1):
    metric = WheelF1(Toy(neutral))
    metric.update([["sad"], ["neutral", "sad"]], [["sad"], ["neutral", "sad"]])
    found = metric.compute()
    assert float(found["recall"]) == 1.0
    assert float(found["F1"]) == pytest.approx(f1)
    assert float(found["gold_groups/fine"]) == (1.5 if neutral == "own" else 1.0)


def test_where_nothing_is_hit_f_is_zero_or_nan():
    for rule, wanted in (("zero", 0.0), ("nan", None)):
        metric = WheelF1(Toy(), no_hit=rule)
        metric.update([["sad"]], [["happy"]])
        assert same(float(metric.compute()["F1"]), wanted)
    zeros = torch.zeros(2, dtype=torch.float64)
    assert harmonic(zeros, zeros).tolist() == [0.0, 0.0]


def test_where_no_sample_is_kept_the_score_is_nan_with_the_reason():
    metric = WheelF1(Toy())
    metric.update([["lost"]], [["lost"]])
    with pytest.warns(UserWarning, match=r"None of the 1 samples has .* group on \['coarse'\]"):
        found = metric.compute()
    assert found["F1/coarse"].isnan() and found["F1"].isnan()
    assert float(found["F1/fine"]) == 1.0
    quiet = WheelF1(Toy(), no_sample="zero")
    quiet.update([["lost"]], [["lost"]])
    assert float(quiet.compute()["F1"]) == 0.5


def test_more_predictions_than_samples_are_refused():
    with pytest.raises(ValueError, match="2 predictions for 1 samples"):
        WheelF1(Toy()).update([["sad"], ["sad"]], [["sad"]])


lists = st.lists(st.sampled_from([*TOY, "neutral", "xyzzy"]), max_size=4)


@pytest.mark.filterwarnings("ignore:None of the")
@given(samples=st.lists(st.tuples(lists, lists), min_size=1, max_size=12), cut=st.integers(0, 12))
def test_no_score_depends_on_how_samples_are_cut_into_batches(samples, cut):
    whole, parts = WheelF1(Toy()), WheelF1(Toy())
    whole.update(*zip(*samples, strict=True))
    for piece in (samples[:cut], samples[cut:]):
        if piece:
            parts.update(*zip(*piece, strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first, second = whole.compute(), pickle.loads(pickle.dumps(parts)).compute()
    for name, value in first.items():
        assert value.dtype == torch.float64 and value.dim() == 0
        torch.testing.assert_close(value, second[name], atol=1e-12, rtol=0, equal_nan=True)
