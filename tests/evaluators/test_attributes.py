"""Ratings are scored by corpus, unreadable ones as wrong as can be, with intervals by speaker."""

import json

import numpy as np
import pytest
import torch
from scipy.stats import pearsonr

from emolit.callbacks.report import Report, rows_of
from emolit.errors import ConfigError, CorpusError
from emolit.evaluators.attributes import Attributes
from emolit.prompts.direct import Direct
from emolit.prompts.ratings import Ratings
from emolit.types import Clip, Evaluation, Rating
from tests.command import emolit
from tests.evaluators.answers import batch_of
from tests.fakes.listing import write_listing

NAMES = ["valence", "arousal"]


def evaluation(rows, corpus="one"):
    """Rows of valence and arousal of the raters, and the answer."""
    clips = [
        Clip(f"{i}", corpus, "a.wav", speaker=f"s{i % 4}",
             attributes={"valence": Rating(v, 1, 5), "arousal": Rating(a, 1, 7)})
        for i, (v, a, _) in enumerate(rows)
    ]  # fmt: skip
    return Evaluation(batch_of(clips, ()), ("?",) * len(rows), tuple(row[2] for row in rows))


def started(corpora=("one",)):
    evaluator = Attributes(NAMES)
    evaluator.start(corpora)
    return evaluator


@pytest.fixture
def rows():
    random = np.random.RandomState(0)
    return [
        (v, a, (f"valence {v + random.normal():.3f}", f"arousal {a / 2:.3f}"))
        for v, a in random.uniform(1, 5, (20, 2)).round(2)
    ]


def test_scores_are_those_of_numpy_and_means_over_the_attributes(rows):
    evaluator = started(("one", "two"))
    evaluator.update(evaluation(rows))
    evaluator.update(evaluation(rows[:3], "two"))
    found = evaluator.compute()
    said = np.array([[float(word.split()[1]) for word in row[2]] for row in rows])
    rated = np.array([row[:2] for row in rows])
    ccc = []
    for place, name in enumerate(NAMES):
        p, t = said[:, place], rated[:, place]
        ccc.append(
            2 * np.cov(p, t, ddof=0)[0, 1] / (p.var() + t.var() + (p.mean() - t.mean()) ** 2)
        )
        assert found[f"one/{name}_CCC"].item() == pytest.approx(ccc[-1], abs=1e-9)
        assert found[f"one/{name}_PCC"].item() == pytest.approx(pearsonr(p, t).statistic, abs=1e-9)
        assert found[f"one/{name}_MAE"].item() == pytest.approx(abs(p - t).mean(), abs=1e-9)
    assert found["one/CCC"].item() == pytest.approx(np.mean(ccc), abs=1e-9)
    assert (found["one/n"], found["one/parse_rate"], found["two/n"]) == (20, 1, 3)


def test_an_unreadable_answer_is_the_end_that_lies_farther():
    evaluator = started()
    evaluator.update(evaluation([(2, 6, None), (4, 2, ("valence 4", "arousal 2"))]))
    found = evaluator.compute()
    assert found["one/valence_MAE"] == 1.5  # 5 in place of 2, over two clips
    assert found["one/arousal_MAE"] == 2.5  # 1 in place of 6
    assert found["one/parse_rate"] == 0.5


def test_a_clip_without_a_rating_and_names_without_sense_are_refused():
    bare = Evaluation(batch_of([Clip("x", "one", "a.wav")], ()), ("?",), (None,))
    with pytest.raises(CorpusError, match="has no rating of 'valence'"):
        started().update(bare)
    with pytest.raises(ConfigError, match="each once"):
        Attributes(["valence", "valence"])


def test_a_prompt_must_ask_for_just_these():
    Attributes(NAMES).check_prompt(Ratings({"arousal": (1, 5), "valence": (1, 5)}))
    for prompt in (Direct(), Ratings({"valence": (1, 5)})):
        with pytest.raises(ConfigError, match="use `Ratings`"):
            Attributes(NAMES).check_prompt(prompt)


def test_intervals_hold_the_scores_and_equal_a_bootstrap_by_hand(rows):
    evaluator = started()
    given = evaluation(rows)
    evaluator.update(given)
    found = Report(resamples=200)._sum_intervals(rows_of(given, evaluator), evaluator)
    json.dumps(found, allow_nan=False)
    scores = evaluator.compute()
    for name, interval in found.items():
        told = scores[f"one/{name.removesuffix('_interval')}"].item()
        assert interval["low"] <= told <= interval["high"]
        assert (interval["unit"], interval["clusters"]) == ("speakers", 4)
    added = evaluator.contributions(given)
    sums = torch.stack([added[speaker::4].sum(0) for speaker in range(4)])
    one = added.sum(0)[0, 6] / 20
    assert found["valence_MAE_interval"]["low"] < one < found["valence_MAE_interval"]["high"]
    lowest = (sums[:, 0, 6] / sums[:, 0, 0]).min()
    assert found["valence_MAE_interval"]["low"] >= lowest - 1e-9


def test_the_names_of_scores_are_known_before_any_clip():
    assert {"CCC", "valence_CCC", "arousal_MAE", "parse_rate"} <= set(Attributes(NAMES).scores())


CONFIG = """
seed_everything: 3
trainer:
  {accelerator: cpu, devices: 1, enable_progress_bar: false, enable_model_summary: false}
prompt: {class_path: Ratings, init_args: {scales: {valence: [1, 5], arousal: [1, 5]}}}
data:
  class_path: Manifest
  init_args:
    path: mine.csv
    root: ROOT
    attributes: {valence: {low: 1, high: 5}, arousal: {low: 1, high: 5, column: act}}
model:
  class_path: ReinforcementFinetuning
  init_args:
    policy: {class_path: Nano, init_args: {checkpoint: null, folder: ROOT/nano}}
    objective: GRPO
    evaluator: {class_path: Attributes, init_args: {names: [valence, arousal]}}
    rewards: [RatingDistance, RatingConcordance]
    sampling: {max_tokens: 4}
    optimizer: {class_path: torch.optim.SGD, init_args: {lr: 0.1}}
"""


@pytest.mark.slow
def test_a_run_on_a_table_of_ratings_leaves_scores_intervals_and_ratings(tmp_path):
    listed = [
        {"path": f"wav/{i}.wav", "speaker": f"s{i % 6}", "split": "test", "valence": 1 + i % 5,
         "act": 1 + i % 3}
        for i in range(12)
    ]  # fmt: skip
    write_listing(tmp_path, [{k: str(v) for k, v in row.items()} for row in listed], "mine.csv")
    (tmp_path / "run.yaml").write_text(CONFIG.replace("ROOT", str(tmp_path)))
    emolit(
        "test", "--config", tmp_path / "run.yaml", "--trainer.default_root_dir", tmp_path / "run"
    )
    scores = json.loads((tmp_path / "run/test/scores.json").read_text())["corpora"]["mine"]
    golds = [1 + i % 5 for i in range(12)]
    assert scores["parse_rate"] == 0  # random weights
    assert scores["valence_MAE"] == pytest.approx(np.mean([max(g - 1, 5 - g) for g in golds]))
    interval = scores["MAE_interval"]
    assert interval["low"] <= scores["MAE"] <= interval["high"] and interval["clusters"] == 6
    lines = (tmp_path / "run/test/predictions-mine.jsonl").read_text().splitlines()
    row = json.loads(lines[0])
    assert row["attributes"]["valence"] == {"value": 1.0, "low": 1.0, "high": 5.0}
    assert row["rewards"]["rating_distance"] == 0
