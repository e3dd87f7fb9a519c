"""The table of MER-UniBench from real tests of a checkpoint that a real fit has chosen."""

import csv
import importlib
import json
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from emolit.callbacks.report import Report
from emolit.evaluators.open_vocabulary import OpenVocabulary
from emolit.evaluators.sentiment import Sentiment
from emolit.metrics.unibench import PRIMARY
from emolit.types import Clip
from tests.callbacks.test_adapter_checkpoint import fit
from tests.callbacks.tiny import Loader, Told, batch_of, trainer
from tests.fakes.tones import write_tones

HIT = ("mer2023", "mer2024", "meld", "iemocap")
POLAR = ("cmu_mosi", "cmu_mosei", "ch_sims", "ch_sims_v2")
pytestmark = [
    pytest.mark.filterwarnings(r"ignore:Found \d+ module\(s\) in eval mode"),
    pytest.mark.filterwarnings("ignore:The number of training batches"),
    pytest.mark.filterwarnings("ignore:.*could not find the monitored key"),
]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return importlib.import_module("emolit.commands.unibench")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, nano_folder) -> Path:
    """A run with ``best/``, chosen by validation, and ``last/``."""
    data, root = tmp_path_factory.mktemp("tones"), tmp_path_factory.mktemp("run")
    write_tones(data, speakers=4)
    fit(root, data, nano_folder, steps=4)
    return root


def words(corpora=(*HIT, "ov_merd_plus")) -> list[tuple[Clip, tuple[str, ...]]]:
    """Hit rates of 1/2, and an F of 1."""
    found = []
    for corpus in corpora:
        if corpus == "ov_merd_plus":
            clip = Clip("a", corpus, "a.wav", words=("sad", "worried"), split="test")
            found.append((clip, ("worried", "sad")))
            continue
        for number, answer in enumerate(("happy", "angry")):
            label = ("happy", "sad")[number]
            clip = Clip(f"{corpus} {number}", corpus, "a.wav", label, split="test")
            found.append((clip, (answer,)))
    return found


def polar() -> list[tuple[Clip, str]]:
    """All called positive, half of them are, and one that is nothing: weighted F1 of 1/3."""
    values = (1.0, -0.5, 0.0)
    return [
        (Clip(f"{name} {value}", name, "a.wav", sentiment=value, split="test"), "positive")
        for name in POLAR
        for value in values
    ]


def leave(folder: Path, checkpoint: Path, evaluator, told) -> None:
    """Test a task that says what it is told."""
    task = Told(
        {clip.id: (str(answer), answer) for clip, answer in told},
        tuple(dict.fromkeys(clip.corpus for clip, _ in told)),
    )
    task.evaluator = evaluator
    task.policy = SimpleNamespace(checkpoint=str(checkpoint))
    batch = batch_of(*(clip for clip, _ in told))
    trainer(folder, Report(), logger=False).test(task, Loader(batch), verbose=False)


def shown(tool, run: Path, capsys) -> tuple[list[list[str]], str]:
    """The rows that stand on the terminal, and all of it as one line."""
    capsys.readouterr()
    assert tool.main([str(run)]) == 0
    out = capsys.readouterr().out
    return [line.split() for line in out.splitlines()], " ".join(out.split())


def refused(tool, run: Path, capsys) -> str:
    capsys.readouterr()
    assert tool.main([str(run)]) == 1
    return capsys.readouterr().err


@pytest.fixture
def run(tmp_path: Path, trained: Path) -> Path:
    leave(tmp_path / "run" / "words", trained / "best", OpenVocabulary(), words())
    leave(tmp_path / "run" / "sentiment", trained / "best", Sentiment(), polar())
    return tmp_path / "run"


def test_nine_sets_have_a_mean_beside_the_published_rows(run, tool, capsys, monkeypatch, trained):
    monkeypatch.setenv("COLUMNS", "240")
    rows, text = shown(tool, run, capsys)
    half, third = "50.00", "33.33"
    assert ["run", half, half, half, half, third, third, third, third, "100.00", "48.15"] in rows
    assert ["n", *["2"] * 8, "1"] in rows
    assert f"{100 * (4 * 0.5 + 4 / 3 + 1) / 9:.2f}" == "48.15"
    assert any(row[:4] == ["AffectGPT", "A", "V", "T"] and row[-1] == "74.77" for row in rows)
    assert ["AffectGPT-R1", "A", "V", "T", *["-"] * 9, "79.48"] in rows
    assert ["MER-R1", "-", *["-"] * 9, "83.50"] in rows
    assert "Not like for like: the published rows take the best test epoch of each set" in text
    best = json.loads((trained / "best" / "selection.json").read_text())
    assert f"val/tones/UA ({best['score']}, step {best['step']})" in text
    assert "mer2024: 2 clips were scored, the benchmark has 1169" in text
    assert "mode:strict" in text and "sentiment|acc2:non0" in text


def test_without_a_set_there_is_no_mean_and_other_corpora_are_named(
    tmp_path, trained, tool, capsys, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "240")
    extra = (Clip("e", "emer", "", words=("sad",), split="test"), ("sad",))
    told = [*words((*HIT[:3], "ov_merd_plus")), extra]
    leave(tmp_path / "run" / "words", trained / "best", OpenVocabulary(), told)
    rows, text = shown(tool, tmp_path / "run", capsys)
    assert ["run", "50.00", "50.00", "50.00", *["-"] * 5, "100.00", "-"] in rows
    assert "no mean of nine sets: iemocap (hit_rate), cmu_mosi (weighted_F1)" in text
    assert "left out: emer" in text


def test_a_set_that_was_tested_without_its_primary_score_is_missing(
    tmp_path, trained, tool, capsys, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "240")
    told = [(clip, "positive") for clip, _ in polar() if clip.corpus == "cmu_mosi"]
    told.append((Clip("m", "meld", "", "happy", split="test", sentiment=1.0), "positive"))
    leave(tmp_path / "run", trained / "best", Sentiment(), told)
    _, text = shown(tool, tmp_path / "run", capsys)
    assert "meld (hit_rate)" in text and "cmu_mosi (weighted_F1)" not in text


def test_the_newest_checkpoint_and_one_that_tells_nothing_are_refused(
    tmp_path, trained, nano_folder, tool, capsys
):
    leave(tmp_path / "last", trained / "last", OpenVocabulary(), words())
    assert "is the newest of its run and was not chosen" in refused(tool, tmp_path / "last", capsys)
    leave(tmp_path / "given", nano_folder, OpenVocabulary(), words())
    assert "does not say how it was chosen" in refused(tool, tmp_path / "given", capsys)


def changed(run: Path, which: str, change) -> None:
    path = run / which / "test" / "scores.json"
    scores = json.loads(path.read_text())
    change(scores)
    path.write_text(json.dumps(scores))


@pytest.mark.parametrize("monitor", ["test/meld/hit_rate", "train/reward"])
def test_a_checkpoint_that_no_validation_has_chosen_is_refused(run, tool, capsys, monitor):
    for which in ("words", "sentiment"):
        changed(run, which, lambda found: found["checkpoint"]["selection"].update(monitor=monitor))
    message = refused(tool, run, capsys)
    assert f"was chosen by {monitor}, which is no validation score" in message


def test_tests_of_two_checkpoints_of_another_split_or_of_one_set_twice_are_refused(
    run, trained, tool, capsys
):
    leave(run / "again", trained / "best", OpenVocabulary(), words(("meld",)))
    assert "meld was tested in" in refused(tool, run, capsys)
    changed(run, "again", lambda found: found.update(split="test+val"))
    assert "is about the split 'test+val'" in refused(tool, run, capsys)
    leave(run / "again", trained / "last", OpenVocabulary(), words(("meld",)))
    assert "give a folder with the tests of one" in refused(tool, run, capsys)


def test_a_folder_without_tests_and_a_test_of_an_older_emolit_are_refused(
    run, tmp_path, tool, capsys
):
    assert "No test/scores.json lies below" in refused(tool, tmp_path / "nothing", capsys)
    for which in ("words", "sentiment"):
        changed(run, which, lambda found: found.pop("checkpoint"))
    assert "does not say how it was chosen" in refused(tool, run, capsys)


def test_published_means_are_those_of_their_nine_sets(tool):
    lines = tool.PUBLISHED.read_text().splitlines()
    rows = list(csv.DictReader([line for line in lines if line[0] != "#"], delimiter="\t"))
    assert list(rows[0]) == ["model", "inputs", *PRIMARY, "mean"]
    whole = [row for row in rows if row["meld"]]
    assert (len(whole), len(rows)) == (19, 22)
    means = {row["model"]: float(row["mean"]) for row in rows if not row["meld"]}
    assert means == {"R1-Omni": 59.61, "AffectGPT-R1": 79.48, "MER-R1": 83.50}
    for row in whole:
        mean = sum(float(row[name]) for name in PRIMARY) / 9
        assert mean == pytest.approx(float(row["mean"]), abs=0.0101)


def test_numbers_of_clips_are_those_of_the_annotations(tool, shared):
    """Test parts of MERBench's labels; those of sentiment 0 are left out."""
    from emolit.files.npz import read_archive

    folder = shared / "annotations" / "merbench"
    for name, place in zip(POLAR, ("cmumosi", "cmumosei", "sims", "simsv2"), strict=True):
        labels = read_archive(folder / f"{place}-process" / "label.npz")["test_corpus"]
        values = [entry["val"] for entry in labels.values()]
        assert sum(value != 0 for value in values) == tool.CLIPS[name]


def test_a_run_of_other_corpora_is_refused(tmp_path, tool, capsys):
    folder = tmp_path / "run/test"
    folder.mkdir(parents=True)
    chosen = {"path": "best", "selection": {"monitor": "val/one/UA", "score": 0.5, "step": 4}}
    scores = {"split": "test", "checkpoint": chosen, "corpora": {"one": {"UA": 0.5, "n": 3}}}
    (folder / "scores.json").write_text(json.dumps(scores))
    assert tool.main([str(tmp_path / "run")]) == 1
    said = capsys.readouterr()
    assert "are of none of the nine sets, mer2023, mer2024" in said.err and not said.out
