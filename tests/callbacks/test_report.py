import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from lightning.pytorch import LightningDataModule, seed_everything
from sklearn.metrics import balanced_accuracy_score, f1_score

from emolit.callbacks.pictures import Pictures
from emolit.callbacks.prediction_writer import PredictionWriter
from emolit.callbacks.report import (
    ClipResult,
    Report,
    censuses,
    refuse_repeated,
    restricted_scores,
    ua_interval,
)
from emolit.data.census import Census
from emolit.errors import ConfigError
from emolit.evaluators.open_vocabulary import OpenVocabulary
from emolit.types import Answer, Clip
from tests.callbacks.tiny import LABELS, Loader, Told, batch_of, trainer
from tests.lexicons import Toy

TRUTHS = ["angry", "sad", "sad", "angry", "sad", "angry", "sad", "sad", "angry", "sad"]
ANSWERS = ["angry", "sad", None, "sad", "sad", "angry", "angry", "happy", None, "sad"]


class Data(LightningDataModule):
    """One corpus with ten clips of five speakers and one with two clips of nobody known."""

    censuses: ClassVar = (
        Census("one", {"test": 10}, {"calm": 3}, ("a.wav is silent",), 2, False, notes=("Test1",)),
        Census("two", {"test": 2}),
    )

    def test_dataloader(self) -> Loader:
        one = [
            Clip(f"{i}", "one", "a.wav", truth, f"speaker {i % 5}", "test")
            for i, truth in enumerate(TRUTHS)
        ]
        two = [Clip(f"x{i}", "two", "a.wav", "happy", None, "test") for i in range(2)]
        return Loader(batch_of(*one[:4], two[0]), batch_of(*one[4:]), batch_of(two[1]))


def replies() -> dict[str, tuple[str, Answer | None]]:
    known = {f"{i}": (str(answer), answer) for i, answer in enumerate(ANSWERS)}
    return {**known, "x0": ("happy", "happy"), "x1": ("sad", "sad")}


def run(folder: Path, resamples: int = 1000) -> dict[str, Any]:
    trainer(folder, Report(resamples)).test(Told(replies(), ("one", "two")), datamodule=Data())
    return json.loads((folder / "test" / "scores.json").read_text(encoding="utf-8"))


def test_scores_equal_sklearn_on_the_same_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PL_GLOBAL_SEED", "3")
    report = run(tmp_path)
    one = report["corpora"]["one"]
    named = [answer or "unreadable" for answer in ANSWERS]
    with pytest.warns(UserWarning, match="classes not in y_true"):
        assert one["UA"] == pytest.approx(balanced_accuracy_score(TRUTHS, named))
    wanted = f1_score(TRUTHS, named, labels=["angry", "sad"], average="macro", zero_division=0)
    assert one["macro_F1"] == pytest.approx(wanted)
    assert (one["n"], one["WA"], one["parse_rate"], one["foreign_rate"]) == (10, 0.5, 0.8, 0.1)
    assert (report["seed"], report["split"], report["labels"]) == (3, "test", list(LABELS))


def test_classes_confusion_and_dropped_labels_are_written(tmp_path: Path):
    report = run(tmp_path)
    one, two = report["corpora"]["one"], report["corpora"]["two"]
    assert one["confusion"] == [[2, 0, 1, 1], [0, 0, 0, 0], [1, 1, 3, 1]]
    assert one["per_class"]["angry"] == {
        "recall": 0.5,
        "precision": pytest.approx(2 / 3),
        "F1": pytest.approx(4 / 7),
        "support": 4,
    }
    assert one["per_class"]["happy"]["recall"] is None
    assert (one["dropped"], two["dropped"]) == ({"calm": 3}, {})
    assert (one["skipped"], one["cropped"]) == (["a.wav is silent"], 2)
    assert (one["notes"], two["notes"]) == (["Test1"], [])
    assert (one["speaker_independent"], two["speaker_independent"]) == (False, True)


def test_the_interval_says_what_was_drawn(tmp_path: Path):
    report = run(tmp_path, resamples=200)
    one, two = (report["corpora"][name]["UA_interval"] for name in ("one", "two"))
    assert (one["unit"], one["clusters"], one["resamples"]) == ("speakers", 5, 200)
    assert one["low"] < report["corpora"]["one"]["UA"] < one["high"]
    assert one["remark"] is None
    assert two["unit"] == "clips"
    assert two["remark"] == "speakers unknown: clips were drawn; unreliable: only 2 clips"


def test_the_order_in_which_clips_come_changes_nothing(tmp_path: Path):
    class Backwards(Data):
        def test_dataloader(self) -> Loader:
            clips = [c for batch in super().test_dataloader() for c in batch.clips]
            return Loader(*(batch_of(clip) for clip in reversed(clips)))

    module, callback = Told(replies(), ("one", "two")), Report()
    found = []
    for data in (Data(), Backwards()):
        trainer(tmp_path, callback).test(module, datamodule=data, verbose=False)
        found.append((tmp_path / "test" / "scores.json").read_text())
    assert found[0] == found[1]


def test_the_seed_of_the_run_is_taken_from_seed_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PL_GLOBAL_SEED", "0")
    seed_everything(7, verbose=False)
    assert run(tmp_path)["seed"] == 7


def test_the_tables_stand_on_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "120")
    run(tmp_path)
    shown = capsys.readouterr().out
    assert "Scores on test" in shown
    assert "3 clips left out by the label map: calm 3" in shown
    assert "10.0% of the answers name a label without clips" in shown
    row = next(line for line in shown.splitlines() if "0.800" in line)
    assert "one" in row
    assert "0.500" in row


def test_a_second_test_forgets_the_first(tmp_path: Path):
    callback, module = Report(), Told(replies(), ("one", "two"))
    for _ in range(2):
        trainer(tmp_path, callback).test(module, datamodule=Data())
    report = json.loads((tmp_path / "test" / "scores.json").read_text())
    assert report["corpora"]["one"]["n"] == 10


def test_a_clip_that_was_tested_twice_stops_the_report():
    rows = [ClipResult("one", "a", None, "test"), ClipResult("two", "a", None, "test")]
    refuse_repeated(rows)
    with pytest.raises(ConfigError, match=r"1 clips were tested more than once.*one/a"):
        refuse_repeated([*rows, rows[0]])


def test_ua_is_computed_anew_for_every_draw():
    # anna: both classes right; bert: class 0 right, class 1 never heard and never answered.
    # Whoever is drawn, all answers are right; a class without clips must not count as 0.
    anna = [ClipResult("one", str(i), "anna", None, i % 2, i % 2) for i in range(4)]
    bert = [ClipResult("one", f"b{i}", "bert", None, 0, 0) for i in range(4)]
    found = ua_interval(anna + bert, 2, 300)
    assert (found.low, found.high) == (1.0, 1.0)


def test_an_unreadable_answer_is_wrong_in_the_interval_too():
    rows = [ClipResult("one", str(i), f"speaker {i}", None, -1, i % 2) for i in range(6)]
    found = ua_interval(rows, 2, 50)
    assert (found.low, found.high) == (0.0, 0.0)


class Listing(Told):
    """Answers with lists of words, scored on wheels."""

    def __init__(self, *settings: Any) -> None:
        super().__init__(*settings)
        self.evaluator = OpenVocabulary(Toy())


def test_scores_of_open_words_are_written_by_wheel_with_their_signature(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    clips = [Clip(f"{i}", "one", "a.wav", None, words=("sad", "angry")) for i in range(3)]
    told = {"0": ("", ("sad",)), "1": ("", ("happy", "sad")), "2": ("?", None)}
    module = Listing(told, ("one",))
    trainer(tmp_path, Report(), PredictionWriter(), Pictures()).test(
        module, Loader(batch_of(*clips[:2]), batch_of(clips[2])), verbose=False
    )
    report = json.loads((tmp_path / "test" / "scores.json").read_text(encoding="utf-8"))
    one = report["corpora"]["one"]
    assert report["labels"] == []
    told = one["signatures"]["F1"]
    assert told.startswith("wheelF|toy|ring:1|wheels:all|mode:strict|unknown:wrong")
    assert "signature" not in report
    assert (one["n"], one["per_wheel"]["fine"]["F1"]) == (3, pytest.approx(0.4))
    assert one["parse_rate"] == pytest.approx(2 / 3)
    assert "hit_rate" not in one
    shown = capsys.readouterr().out
    assert shown.replace("\n", "").count(told) == 1
    assert "one, per_wheel" in shown
    lines = (tmp_path / "test" / "predictions-one.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["answer"] for line in lines] == [["sad"], ["happy", "sad"], None]


def test_data_that_dropped_nothing_need_not_say_so():
    assert censuses(SimpleNamespace(datamodule=None)) == {}
    assert censuses(SimpleNamespace(datamodule=SimpleNamespace())) == {}


def test_restricted_scores_choose_among_the_labels_that_the_clips_have():
    spreads = [[0.1, 0.7, 0.2], [0.3, 0.6, 0.1], [0.2, 0.5, 0.3]]
    rows = [
        ClipResult("one", f"{i}", f"s{i}", "test", 1, target, {"probability": spread})
        for i, (target, spread) in enumerate(zip([2, 0, 0], spreads, strict=True))
    ]
    found = restricted_scores(rows, LABELS, 20)["restricted"]["probability"]
    assert found["confusion"] == [[1, 0, 1, 0], [0, 0, 0, 0], [0, 0, 1, 0]]
    assert (found["UA"], found["foreign_rate"], found["n"]) == (0.75, 0.0, 3)
    assert restricted_scores([ClipResult("one", "0", None, "test", 0, 0)], LABELS, 20) == {}
    assert restricted_scores([], LABELS, 20) == {}
