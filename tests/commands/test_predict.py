"""`emolit predict --checkpoint`: real runs; the truth is what `emolit test` has written."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from emolit.commands.predict import describe_question
from emolit.corpora.recordings import Recordings
from emolit.errors import ConfigError, PolicyError
from emolit.inference.part_files import PartFiles
from emolit.inference.trained import read_trained
from tests.command import emolit
from tests.fakes.checkpoint import write_checkpoint
from tests.fakes.holding import hold_elsewhere
from tests.fakes.tones import write_experiment


@pytest.fixture(scope="module")
def trained(tmp_path_factory, nano_folder):
    """A trained checkpoint beside what its test answered."""
    folder = tmp_path_factory.mktemp("trained")
    config = write_experiment(folder, nano_folder, speakers=4)
    run = ["--config", config, "--trainer.default_root_dir", folder / "run"]
    emolit("fit", *run, "--trainer.max_steps", 1, "--trainer.limit_val_batches", 1)
    emolit(
        *["test", *run, "--model.policy.checkpoint", folder / "run/last"],
        *["--trainer.callbacks", "[PredictionWriter]"],
        *["--model.evaluator.confidence", "[OptionProbability]"],
    )
    return folder


@pytest.fixture(scope="module")
def best(tmp_path_factory, nano_folder):
    return write_checkpoint(tmp_path_factory.mktemp("best") / "best", nano_folder)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a long recording, a short one, and one that is broken."""
    random = np.random.default_rng(0)
    (tmp_path / "new").mkdir()
    for name, seconds in (("long", 2.5), ("short", 0.5)):
        noise = 0.1 * random.normal(size=round(seconds * 16_000))
        soundfile.write(tmp_path / f"new/{name}.wav", noise, 16_000)
    (tmp_path / "new/broken.wav").write_text("no audio")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def predict(*arguments):
    """Return the exit status."""
    with pytest.raises(SystemExit) as left:
        emolit("predict", "--trainer.accelerator", "cpu", *arguments)
    return left.value.code


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_it_answers_what_the_test_has_answered(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(trained / "data")
    assert predict("--checkpoint", trained / "run/last", "wav", "--out", tmp_path / "a.jsonl") == 0
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == sorted(
        f"wav/s{s}-{i}.wav" for s in range(4) for i in range(8)
    )
    found = {row["id"]: row for row in rows}
    tested = (trained / "run/test/predictions-tones.jsonl").read_text().splitlines()
    assert len(tested) == 8
    for line in map(json.loads, tested):
        row = found[line["id"]]
        assert row["answer"] == line["answer"]
        assert row["windows"][0]["response"] == line["response"]
        assert row["probabilities"] == pytest.approx(line["probabilities"]["probability"], abs=1e-5)


def test_broken_recordings_are_told_at_the_end_and_the_others_answered(best, place, capsys):
    assert predict("--checkpoint", best, "new", "gone.wav", "--out", "a.csv") == 1
    rows = {row["id"]: row for row in table(place / "a.csv")}
    assert list(rows) == ["new/broken.wav", "new/long.wav", "new/short.wav", "gone.wav"]
    assert rows["new/long.wav"]["windows"] == "3"
    assert float(rows["new/long.wav"]["seconds"]) == 2.5
    shares = [float(rows["new/short.wav"][f"p_{name}"]) for name in ("angry", "happy", "sad")]
    assert sum(shares) == pytest.approx(1, abs=1e-4)
    assert "is missing" in rows["gone.wav"]["problem"]
    shown = capsys.readouterr()
    assert "new/broken.wav was not answered" in shown.err
    assert "p_happy" in shown.out  # few are shown besides


def test_few_are_shown_without_an_output(best, place, capsys):
    assert predict("--checkpoint", best, "new/long.wav") == 0
    assert "new/long.wav" in capsys.readouterr().out
    assert sorted(path.name for path in place.iterdir()) == ["new"]


def test_a_row_a_window(best, place):
    predict("--checkpoint", best, "new/*o*.wav", "--by", "window", "--out", "a.csv", "--overlap", 0)
    rows = [row for row in table(place / "a.csv") if not row["problem"]]
    assert [(row["start"], row["end"]) for row in rows] == [
        *(("0.0", "1.0"), ("1.0", "2.0"), ("1.5", "2.5")),
        ("0.0", "0.5"),
    ]


def test_a_run_that_broke_off_goes_on(best, place, monkeypatch):
    assert predict("--checkpoint", best, "new", "--out", "whole.csv", "--batch_size", 1) == 1
    written = []
    original = PartFiles.open

    def breaks(self, rank):
        file = original(self, rank)
        if len(written) == 0:
            write = file.write

            class Breaks:
                def write(self, line):
                    written.append(line)
                    if len(written) > 2:
                        raise KeyboardInterrupt
                    write(line)

                def flush(self):
                    file.flush()

                def close(self):
                    file.close()

            return Breaks()
        return file

    with monkeypatch.context() as patch:
        patch.setattr(PartFiles, "open", breaks)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            emolit(
                *["predict", "--checkpoint", best, "new", "--out", "a.csv", "--batch_size", 1],
                *["--trainer.accelerator", "cpu"],
            )
    assert not (place / "a.csv").exists()
    assert len(PartFiles(place / "a.csv", {}).read()) == 2
    assert predict("--checkpoint", best, "new", "--out", "a.csv", "--batch_size", 1) == 1
    assert table(place / "a.csv") == table(place / "whole.csv")
    assert not PartFiles(place / "a.csv", {}).paths


def test_a_recording_that_vanishes_meanwhile_is_told_and_the_others_answered(
    best, place, monkeypatch, capsys
):
    def vanish(corpus):
        prepare(corpus)
        (place / "new/long.wav").unlink(missing_ok=True)

    prepare = Recordings.prepare_data
    monkeypatch.setattr(Recordings, "prepare_data", vanish)
    with pytest.warns(UserWarning, match=r"long\.wav is missing.* Left out"):
        assert predict("--checkpoint", best, "new/long.wav", "new/short.wav", "--out", "a.csv") == 1
    long, short = table(place / "a.csv")
    assert (bool(long["problem"]), bool(short["p_sad"])) == (True, True)
    assert "windows could not be read any more" in capsys.readouterr().err


def test_a_list_comes_by_the_standard_input(best, place, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("new/short.wav\n\n"))
    assert predict("--checkpoint", best, "-", "--out", "a.jsonl") == 0
    assert json.loads((place / "a.jsonl").read_text())["id"] == "new/short.wav"


def test_an_output_is_not_replaced_unless_it_is_wanted(best, place, monkeypatch, capsys):
    monkeypatch.delenv("EMOLIT_TRACEBACK")
    (place / "a.csv").write_text("mine")
    arguments = ["--checkpoint", best, "new/short.wav", "--out", "a.csv"]
    assert predict(*arguments) == 2
    assert "a.csv is there; name another --out" in capsys.readouterr().err
    assert predict(*arguments, "--overwrite", "true") == 0
    assert len(table(place / "a.csv")) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["new/*.ogg"], "matches no file"),
        (["new", "--window", 5], "choose seconds from 0.1 up to 1"),
        (["new", "--overlap", 1], "share of the window"),
        (["new", "--out", "a.xlsx"], "neither .csv nor .jsonl"),
        (["new", "--out", "new/short.wav/a.csv"], "cannot be written"),
        ([], "Name recordings: emolit predict --checkpoint"),
        (["new", "--trainer.devices", "0", "--out", "a.csv"], "error: "),
    ],
)
def test_what_cannot_be_done_is_a_sentence(best, place, monkeypatch, capsys, arguments, said):
    monkeypatch.delenv("EMOLIT_TRACEBACK")
    assert predict("--checkpoint", best, *arguments) == 2
    assert said in capsys.readouterr().err


def test_windows_are_all_shown_without_an_output(best, place, capsys):
    assert predict("--checkpoint", best, "new/long.wav", "--by", "window", "--window", 0.1) == 0
    assert capsys.readouterr().out.count("new/long.wav") > 20


def test_help_shows_the_options_that_ask(capsys):
    with pytest.raises(SystemExit) as left:
        emolit("predict", "--help")
    assert left.value.code == 0
    assert "--overlap" in capsys.readouterr().out


def test_many_need_an_output(best, place):
    for index in range(21):
        (place / f"new/{index}.wav").write_bytes((place / "new/short.wav").read_bytes())
    with pytest.raises(ConfigError, match=r"There are 24 recordings.*name --out"):
        emolit("predict", "--checkpoint", best, "new")


def test_a_folder_that_learned_nothing_is_refused(nano_folder, place):
    with pytest.raises(PolicyError, match=r"has no emolit\.json"):
        emolit("predict", "--checkpoint", nano_folder, "new")


@pytest.mark.slow
def test_two_processes_answer_as_one(best, place):
    words = [sys.executable, "-m", "emolit", "predict", "--checkpoint", str(best), "new"]
    more = ["--trainer.accelerator", "cpu", "--batch_size", "2"]
    two = ["--trainer.devices", "2", "--trainer.strategy", "ddp"]
    for name, extra in (("one.csv", []), ("two.csv", two)):
        done = subprocess.run(
            [*words, *more, *extra, "--out", name], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1, done.stderr
    assert table(place / "one.csv") == table(place / "two.csv")


def test_answers_of_other_weights_are_not_gone_on_with(best, place, tmp_path):
    copied = tmp_path / "best"
    shutil.copytree(best, copied)
    question = describe_question(read_trained(copied), Recordings(sources=[], root=".", window=1.0))
    PartFiles(place / "a.csv", question).open(0).close()
    (weights,) = copied.glob("*.safetensors")
    os.utime(weights, ns=(1, 1))
    with pytest.raises(ConfigError, match="was begun with another weights"):
        emolit("predict", "--checkpoint", copied, "new/short.wav", "--out", "a.csv", "--window", 1)


def test_an_output_that_another_run_writes_is_refused(best, place):
    words = ["predict", "--checkpoint", best, "new/short.wav", "--out", "a.csv"]
    refused = pytest.raises(ConfigError, match=r"is being written by process \d+ on")
    with hold_elsewhere(place, ".a.csv.running"), refused:
        emolit(*words)
    assert predict(*words[1:]) == 0


@pytest.mark.parametrize("out", ["a.csv", "a[1].jsonl"])
def test_a_name_in_no_unicode_is_told_and_the_others_are_answered(best, place, capsys, out):
    shutil.copy(place / "new/short.wav", os.fsencode(place / "new") + b"/\xff.wav")
    assert predict("--checkpoint", best, "new", "--out", out) == 1
    assert "no Unicode" in capsys.readouterr().err
    written = (place / out).read_text()
    assert written.count("\\udcff.wav") >= 1 and "short.wav" in written
