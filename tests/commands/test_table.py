import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from emolit.callbacks.report import Report
from emolit.types import Clip
from tests.callbacks.tiny import Loader, Told, batch_of, trainer

KEYS = ["run", "corpus", "split", "n", "UA", "WA", "macro_F1", "weighted_F1", "parse_rate"]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return importlib.import_module("emolit.commands.table")


def leave_scores(
    folder: Path, answer: str, seed: int = 0, corpora: tuple[str, str] = ("one", "two")
) -> None:
    """Test a task that always answers alike on three clips and on one of another corpus."""
    one, two = corpora
    truths = [(one, "sad"), (one, "happy"), (one, "angry"), (two, "sad")]
    clips = [Clip(f"{i}", name, "a.wav", label, f"s{i}") for i, (name, label) in enumerate(truths)]
    replies = {clip.id: (answer, answer) for clip in clips}
    module = Told(replies, corpora)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PL_GLOBAL_SEED", str(seed))
        trainer(folder, Report(resamples=20), logger=False).test(
            module, Loader(batch_of(*clips)), verbose=False
        )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for run, answer in (("sft", "happy"), ("grpo", "sad")):
        leave_scores(tmp_path / "demo" / run, answer)
    return tmp_path / "demo"


def report_of(root: Path) -> dict[str, Any]:
    return json.loads((root / "report.json").read_text(encoding="utf-8"))


def test_the_report_has_one_result_for_each_run_and_corpus(root: Path, tool: ModuleType):
    assert tool.main([str(root), "--seed", "0"]) == 0
    report = report_of(root)
    assert list(report) == ["seed", "results"]
    assert report["seed"] == 0
    results = report["results"]
    assert [(r["run"], r["corpus"], r["n"], r["WA"]) for r in results] == [
        ("sft", "one", 3, pytest.approx(1 / 3)),
        ("sft", "two", 1, 0.0),
        ("grpo", "one", 3, pytest.approx(1 / 3)),
        ("grpo", "two", 1, 1.0),
    ]
    assert all(list(result) == [*KEYS, "UA_interval"] for result in results)
    assert {result["split"] for result in results} == {"test"}
    low, high = results[0]["UA_interval"]
    assert 0 <= low <= results[0]["UA"] <= high <= 1
    assert results[1]["UA_interval"] is None


def test_the_markdown_and_the_terminal_show_the_same_numbers(
    root: Path,
    tool: ModuleType,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("COLUMNS", "140")
    tool.main([str(root)])
    shown = capsys.readouterr().out
    text = (root / "report.md").read_text(encoding="utf-8")
    for page in (shown, text):
        assert "demo, seed 0" in page
        assert "no interval of UA: a single speaker" in page
        rows = [line for line in page.splitlines() if "grpo" in line and "two" in line]
        assert "1.000" in rows[0]
    assert "## grpo, one by class" in text


def test_the_runs_of_a_sweep_lie_a_stage_deeper(root: Path, tool: ModuleType):
    runs = ["sft", "sft_continued"]
    for run in runs:
        leave_scores(root / run / "seed3" / "test", "angry", seed=3)
    assert tool.main([str(root), "--runs", *runs, "--stage", "seed3/test"]) == 0
    report = report_of(root)
    assert [row["run"] for row in report["results"][::2]] == runs
    assert report["seed"] == 3


def test_a_missing_run_is_named_with_its_path_and_nothing_is_written(
    root: Path, tool: ModuleType, capsys: pytest.CaptureFixture[str]
):
    (root / "grpo" / "test" / "scores.json").unlink()
    assert tool.main([str(root)]) == 1
    message = capsys.readouterr().err
    assert "'grpo' has no scores at" in message
    assert "grpo/test/scores.json" in message
    assert not (root / "report.json").exists()
    assert tool.main([str(root), "--runs", "sft"]) == 0
    assert {result["run"] for result in report_of(root)["results"]} == {"sft"}


def test_runs_of_different_seeds_do_not_share_a_table(
    root: Path, tool: ModuleType, capsys: pytest.CaptureFixture[str]
):
    assert tool.main([str(root), "--seed", "1"]) == 1
    assert "the table is for seed 1" in capsys.readouterr().err
    leave_scores(root / "grpo", "sad", seed=2)
    assert tool.main([str(root)]) == 1
    assert "'grpo': 2" in capsys.readouterr().err


def test_a_damaged_file_is_named(root: Path, tool: ModuleType, capsys: pytest.CaptureFixture[str]):
    (root / "sft" / "test" / "scores.json").write_text("{")
    assert tool.main([str(root)]) == 1
    assert "scores.json is not JSON" in capsys.readouterr().err


def test_the_command_runs_without_loading_torch(root: Path):
    line = "import sys; from emolit.cli import main\n"
    line += "try: main()\n"
    line += "except SystemExit as end: print('status', end.code, 'torch' in sys.modules)"
    command = [sys.executable, "-c", line, "table", str(root), "--seed", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("status 0 False\n")
    assert report_of(root)["seed"] == 0


def test_open_answers_are_refused(root: Path, tool: ModuleType, capsys: pytest.CaptureFixture[str]):
    path = root / "sft" / "test" / "scores.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"labels": []}))
    assert tool.main([str(root)]) == 1
    assert "The answers of the run 'sft' are open" in capsys.readouterr().err


def test_the_table_explains_its_words_and_names_a_run_that_is_its_start(
    root: Path, tool: ModuleType, capsys: pytest.CaptureFixture[str]
):
    path = root / "grpo" / "test" / "scores.json"
    selection = {"monitor": "val/one/UA", "mode": "max", "score": 0.5, "step": 0}
    scores = json.loads(path.read_text()) | {
        "checkpoint": {"path": "runs/grpo/best", "selection": selection}
    }
    path.write_text(json.dumps(scores))
    assert tool.main([str(root), "--seed", "0"]) == 0
    for page in (capsys.readouterr().out, (root / "report.md").read_text()):
        assert "a UA of 0.333 on one, 1.000 on two" in page  # three labels have clips, and one
        assert "grpo: runs/grpo/best is of step 0: the untouched start" in page
        assert "sft: " not in page


def test_published_scores_join_the_corpora_of_which_some_are_known(tmp_path, tool, capsys):
    leave_scores(tmp_path / "sft", "happy", corpora=("meld", "two"))
    given = [str(tmp_path), "--runs", "sft", "--published"]
    assert tool.main(given) == 0
    shown = capsys.readouterr().out
    page = (tmp_path / "report.md").read_text(encoding="utf-8")
    for text in (shown, page):
        assert "meld, beside published scores" in text and "two, beside" not in text
        assert "Whisper large v3" in text and "https://emo-box.github.io" in text
    assert report_of(tmp_path)["results"][0]["n"] == 3


def test_published_scores_of_no_corpus_are_refused(root, tool, capsys):
    assert tool.main([str(root), "--published"]) == 1
    said = capsys.readouterr().err
    assert "no published scores are known of one, two" in said and "iemocap, meld" in said
    assert not (root / "report.json").exists()
