"""The cross-corpus matrix: cells out of files that tests have written, and tests between rows."""

import importlib
import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from emolit.affect.taxonomy import Taxonomy
from emolit.callbacks.prediction_writer import PredictionWriter
from emolit.callbacks.report import Report
from emolit.errors import ConfigError
from emolit.evaluators.categorical import Categorical
from emolit.evaluators.confidence import OptionProbability
from emolit.reporting.scorecard import of_arrays
from emolit.statistics.significance import difference, mcnemar, randomization
from emolit.types import Batch, Clip, Evaluation
from tests.callbacks.tiny import LABELS, Loader, Told, batch_of, trainer
from tests.fakes.tones import write_tones

SPREADS = {"angry": [0.5, 0.4, 0.1], "happy": [0.1, 0.6, 0.3], "sad": [0.1, 0.3, 0.6]}


class Sure(Told):
    """Says beside each answer how sure it is; less of it where it is unreadable."""

    def predict_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> Evaluation:
        found = super().predict_step(batch, batch_idx)
        rows = [SPREADS.get(answer, [0.3, 0.4, 0.3]) for answer in found.answers]
        return replace(found, probabilities={"probability": torch.tensor(rows)})


@pytest.fixture
def tool():
    names = {"cross": "command", "cross_cells": "cells", "cross_pages": "pages"}
    return SimpleNamespace(
        **{
            name: importlib.import_module(f"emolit.commands.cross.{module}")
            for name, module in names.items()
        }
    )


def clips(corpus: str, number: int, labels: tuple[str, ...] = LABELS) -> list[Clip]:
    return [
        Clip(f"{corpus}-{i}", corpus, "a.wav", labels[i % len(labels)], f"{corpus}-s{i % 6}")
        for i in range(number)
    ]


CLIPS = [*clips("one", 24), *clips("two", 18, ("angry", "sad"))]


def leave_row(folder: Path, wrong: int, asked: list[Clip] = CLIPS, sure: bool = True) -> Path:
    """Test a task that gets every ``wrong``-th clip wrong; an answer in eleven is unreadable."""
    answers = [
        None if i % 11 == 5 else clip.label if i % wrong else "happy"
        for i, clip in enumerate(asked)
    ]
    replies = {clip.id: (str(a), a) for clip, a in zip(asked, answers, strict=True)}
    module = (Sure if sure else Told)(replies, ("one", "two"))
    confidence = [OptionProbability()] if sure else None
    module.evaluator = Categorical(Taxonomy(LABELS), confidence=confidence)
    callbacks = (PredictionWriter(), Report(resamples=20))
    trainer(folder, *callbacks, logger=False).test(module, Loader(batch_of(*asked)), verbose=False)
    return folder / "test"


@pytest.fixture
def rows(tmp_path, tool):
    return [
        tool.cross_cells.read_row(name, leave_row(tmp_path / name, wrong))
        for name, wrong in (("one", 5), ("two@sft", 2))
    ]


def test_a_cell_is_what_the_test_said_and_stands_beside_its_restricted_form(tmp_path, tool, rows):
    cells = tool.cross_cells.cells_of(rows, 20)
    keys = [(cell["row"], cell["test"], cell["options"], cell["in_corpus"]) for cell in cells]
    assert keys == [
        ("one", "one", "all", True), ("one", "one", "restricted", True),
        ("one", "two", "all", False), ("one", "two", "restricted", False),
        ("two@sft", "one", "all", False), ("two@sft", "one", "restricted", False),
        ("two@sft", "two", "all", True), ("two@sft", "two", "restricted", True),
    ]  # fmt: skip
    for cell in cells:
        report = json.loads((tmp_path / cell["row"] / "test" / "scores.json").read_text())
        said = report["corpora"][cell["test"]]
        told = said if cell["options"] == "all" else said["restricted"]["probability"]
        for key in ("n", "UA", "WA", "macro_F1", "parse_rate", "foreign_rate", "UA_interval"):
            assert cell[key] == told[key], key
    foreign = {cell["options"]: cell["foreign_rate"] for cell in cells[-2:]}
    assert foreign["all"] > 0.3
    assert foreign["restricted"] == 0
    assert cells[0]["confidence"]["probability_ECE"] > 0
    assert cells[1]["confidence"] == {}
    assert cells[2]["recall"]["happy"] is None


def test_rows_are_compared_clip_by_clip_and_holm_is_over_all(tool, rows):
    found = tool.cross_cells.comparisons_of(rows, [("one", "two@sft")], 200, 50)
    assert [(entry["test"], entry["options"]) for entry in found] == [
        ("one", "all"), ("one", "restricted"), ("two", "all"), ("two", "restricted"),
    ]  # fmt: skip
    for entry in found:
        one, other = (row.columns[entry["test"]] for row in rows)
        sides = one.answers[entry["options"]], other.answers[entry["options"]]
        right = [[a == t for a, t in zip(side, one.targets, strict=True)] for side in sides]
        given = (*sides, one.targets, one.speakers, of_arrays("UA"))
        assert entry["mcnemar"] == mcnemar(*right)
        assert entry["randomization"] == randomization(*given, draws=200)
        ends = difference(*given, draws=50)
        assert (entry["interval"]["low"], entry["interval"]["high"]) == (ends.low, ends.high)
        assert ends.low <= entry["difference"] <= ends.high
    for test in ("mcnemar", "randomization"):
        least = min(found, key=lambda entry: entry[test])
        assert least[f"{test}_holm"] == pytest.approx(min(1, 4 * least[test]))
        assert all(entry[f"{test}_holm"] >= entry[test] for entry in found)
    with pytest.raises(ConfigError, match=r"names \['three'\]; there are the rows \['one'"):
        tool.cross_cells.comparisons_of(rows, [("one", "three")], 20, 20)


def test_rows_of_other_clips_or_labels_do_not_share_a_matrix(tmp_path, tool, rows):
    fewer = tool.cross_cells.read_row("x", leave_row(tmp_path / "x", 3, CLIPS[1:]))
    with pytest.raises(ConfigError, match="'one' and 'x' were tested on other clips of 'one'"):
        tool.cross_cells.cells_of([rows[0], fewer], 20)
    with pytest.raises(ConfigError, match="have other labels or corpora"):
        tool.cross_cells.cells_of([rows[0], replace(rows[1], labels=("sad",))], 20)


def test_files_that_are_missing_or_of_another_test_are_named(tmp_path, tool):
    read = tool.cross_cells.read_row
    with pytest.raises(ConfigError, match=r"'x' has no .*scores\.json; .* Report"):
        read("x", tmp_path)
    folder = leave_row(tmp_path / "row", 3)
    path = folder / "predictions-one.jsonl"
    path.write_text(path.read_text().partition("\n")[2])
    with pytest.raises(ConfigError, match="has 23 clips, the scores beside it are of 24"):
        read("row", folder)
    path.unlink()
    with pytest.raises(ConfigError, match="need PredictionWriter"):
        read("row", folder)


@pytest.fixture
def matrix(tmp_path, tool, monkeypatch):
    """Run the command with tests that leave answers instead of asking a model."""
    commands = []

    def run(command, check):
        commands.append(command)
        folder = Path(command[command.index("--trainer.default_root_dir") + 1])
        leave_row(folder, 5 if folder.name == "one" else 2, sure="OptionProbability" in command)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(subprocess, "run", run)
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_text(name)
    (tmp_path / "test.yaml").write_text("trainer: {}")
    given = ["--config", tmp_path / "test.yaml", "--out", tmp_path / "out", "--restricted"]
    given += ["--rows", f"one={tmp_path / 'first'}", f"two@sft={tmp_path / 'second'}"]
    given += ["--resamples", 20, "--draws", 100]

    def call(*more):
        commands.clear()
        status = tool.cross.main([str(word) for word in (*given, *more)])
        return status, [command[-1].rsplit("/", 1)[-1] for command in commands]

    return call


def test_the_matrix_is_written_and_finished_rows_are_not_tested_again(tmp_path, matrix, capsys):
    assert matrix() == (0, ["one", "two@sft"])
    found = json.loads((tmp_path / "out" / "cross.json").read_text())
    assert (found["rows"], found["columns"]) == (["one", "two@sft"], ["one", "two"])
    assert (len(found["cells"]), len(found["comparisons"])) == (8, 4)
    page = (tmp_path / "out" / "cross.md").read_text()
    assert "| trained on | one (n 24) | two (n 18) |" in page
    assert page.index("| one | **0.") < page.index("| one (restricted) | **0.")
    assert re.search(
        r"\| one - two@sft \| one \| all \| 24 \| \+0\.\d{3} \([+-]\S+ to \+0\.\d{3}\) \|", page
    )
    for title in ("UA with", "macro F1 with", "Recall by class", "Confidence", "Differences"):
        assert f"## {title}" in page
    board = EventAccumulator(str(tmp_path / "out" / "board"), {"images": 0}).Reload()
    assert {"cross/UA", "cross/macro_F1", "one (restricted)/two/confusion"} < set(
        board.Tags()["images"]
    )
    assert len(board.Tags()["images"]) == 3 + 8
    assert matrix() == (0, [])
    assert "one: tested before" in capsys.readouterr().out
    (tmp_path / "second" / "model.safetensors").write_text("trained on")
    assert matrix() == (0, ["two@sft"])
    assert matrix("--", "--data.init_args.root", "here") == (0, ["one", "two@sft"])


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("one", "no new NAME=CHECKPOINT"),
        ("a/b=first", "no new NAME=CHECKPOINT"),
        ("two=nowhere", "'two' is missing: looked for nowhere"),
    ],
)
def test_rows_that_cannot_be_are_named(tmp_path, tool, capsys, row, words):
    arguments = ["--config", "x.yaml", "--out", str(tmp_path), "--rows", row]
    assert tool.cross.main(arguments) == 1
    assert words in capsys.readouterr().err


def test_a_row_is_tested_by_the_policy_that_its_checkpoint_names(tmp_path, matrix, monkeypatch):
    kind = {"class_path": "emolit.policies.majority.Majority", "init_args": {}}
    (tmp_path / "first" / "emolit.json").write_text(json.dumps({"policy": kind}))
    found = []
    monkeypatch.setattr(
        subprocess, "run", lambda words, **_: found.append(words) or SimpleNamespace(returncode=2)
    )
    assert matrix()[0] == 1
    place = found[0].index("--model.init_args.policy")
    assert found[0][place + 1] == "emolit.policies.majority.Majority"


def test_a_test_that_fails_stops_the_command_and_is_not_taken_for_done(
    tmp_path, matrix, monkeypatch, capsys
):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=2))
    assert matrix()[0] == 1
    assert "row 'one' ended with status 2" in capsys.readouterr().err
    assert not list((tmp_path / "out").rglob("*.json"))


CONFIG = """
seed_everything: 3
trainer:
  accelerator: cpu
  devices: 1
  enable_progress_bar: false
  enable_model_summary: false
  callbacks: [PredictionWriter, Report]
prompt: Direct
data:
  class_path: Mixture
  init_args:
    corpora:
    - {class_path: Manifest, init_args: {path: a.csv, label_map: {}}}
    - {class_path: Manifest, init_args: {path: b.csv}}
    root: ROOT
    labels: [happy, sad, angry]
model:
  class_path: SupervisedFinetuning
  init_args:
    policy: {class_path: Nano, init_args: {checkpoint: null}}
    evaluator: Categorical
    sampling: {max_tokens: 6}
    optimizer: {class_path: torch.optim.SGD, init_args: {lr: 0.1}}
"""


@pytest.mark.slow
def test_a_checkpoint_is_tested_on_all_corpora(tmp_path, tool, nano_folder):
    header, *lines = write_tones(tmp_path / "data").read_text().splitlines()
    for name, kept in (("a", lines[::2]), ("b", lines[1::2])):
        (tmp_path / "data" / f"{name}.csv").write_text("\n".join((header, *kept)))
    (tmp_path / "test.yaml").write_text(CONFIG.replace("ROOT", str(tmp_path / "data")))
    arguments = ["--config", tmp_path / "test.yaml", "--out", tmp_path / "out", "--restricted"]
    arguments += ["--rows", f"a={nano_folder}"]
    assert tool.cross.main(list(map(str, arguments))) == 0
    found = json.loads((tmp_path / "out" / "cross.json").read_text())
    assert [(cell["test"], cell["options"], cell["n"]) for cell in found["cells"]] == [
        ("a", "all", 4), ("a", "restricted", 4), ("b", "all", 4), ("b", "restricted", 4),
    ]  # fmt: skip
    assert found["comparisons"] == []
