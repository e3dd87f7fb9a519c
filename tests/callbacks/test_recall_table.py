"""Recall by label over a training: the very scores of validation, kept over a resume."""

import csv
from types import SimpleNamespace

import torch

from emolit.callbacks.recall_table import RecallTable, changes


def validate(callback, folder, step, scores, **settings):
    trainer = SimpleNamespace(
        sanity_checking=False,
        is_global_zero=True,
        fast_dev_run=False,
        default_root_dir=str(folder),
        global_step=step,
        callback_metrics={key: torch.tensor(value) for key, value in scores.items()},
        **settings,
    )
    callback.on_validation_end(trainer, None)
    return trainer


SCORES = {
    "val/a/UA": 0.5, "val/a/recall/sad": 0.25, "val/a/recall/happy": 0.75,
    "val/b/recall/sad": 1.0, "train/loss": 3.0,
}  # fmt: skip


def read(folder):
    with (folder / "fit" / "recall.csv").open() as file:
        return list(csv.DictReader(file))


def test_each_validation_and_corpus_is_a_row(tmp_path):
    callback = RecallTable()
    validate(callback, tmp_path, 0, SCORES)
    validate(callback, tmp_path, 8, {**SCORES, "val/a/recall/sad": 0.0})
    assert read(tmp_path) == [
        {"step": "0", "corpus": "a", "sad": "0.25", "happy": "0.75"},
        {"step": "0", "corpus": "b", "sad": "1.0", "happy": ""},
        {"step": "8", "corpus": "a", "sad": "0.0", "happy": "0.75"},
        {"step": "8", "corpus": "b", "sad": "1.0", "happy": ""},
    ]
    first = changes(callback.rows)[0]
    assert first.title == "recall on validation, a"
    assert first.rows == (
        ("sad", "0.250", "0.000", "-0.250"),
        ("happy", "0.750", "0.750", "+0.000"),
    )


def test_a_resumed_run_goes_on_with_its_table(tmp_path):
    before, after = RecallTable(), RecallTable()
    validate(before, tmp_path, 0, SCORES)
    after.load_state_dict(before.state_dict())
    validate(after, tmp_path, 8, SCORES)
    validate(after, tmp_path, 8, SCORES)  # a validation that was owed is not counted twice
    assert [row["step"] for row in read(tmp_path)] == ["0", "0", "8", "8"]


def test_without_labels_and_in_the_rehearsal_nothing_is_written(tmp_path):
    validate(RecallTable(), tmp_path, 0, {"val/a/CIDEr": 0.5})
    trainer = validate(RecallTable(), tmp_path, 0, {})
    trainer.sanity_checking = True
    trainer.callback_metrics = {"val/a/recall/sad": torch.tensor(1.0)}
    RecallTable().on_validation_end(trainer, None)
    assert not (tmp_path / "fit" / "recall.csv").exists()


def test_the_terminal_shows_the_change(tmp_path, capsys):
    callback = RecallTable()
    validate(callback, tmp_path, 0, SCORES)
    callback.on_fit_end(validate(callback, tmp_path, 4, SCORES), None)
    out = capsys.readouterr().out
    assert "recall on validation, a" in out and "step 4" in out
