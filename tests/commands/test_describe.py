import importlib
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from tests.fakes.crema_d import stems, write_crema_d
from tests.fakes.emer import write_emer
from tests.fakes.esd import write_esd
from tests.fakes.ravdess import write_ravdess
from tests.fakes.sentiment import mosi_parts, write_cuts, write_labels
from tests.fakes.urdu import write_urdu

CONFIGS = Path(__file__).parents[2] / "configs"
pytestmark = pytest.mark.filterwarnings("ignore:.* clips, the release has")


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return importlib.import_module("emolit.commands.describe")


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("releases")
    write_ravdess(root)
    write_urdu(root)
    return root


def summary(path: Path, **changed: int) -> Path:
    """Write what EmoBox's fold 1 of RAVDESS has."""
    raw = {"Neutral": 16, **dict.fromkeys(("Calm", "Happy", "Sad", "Angry"), 32)}
    raw |= dict.fromkeys(("Fearful", "Disgust", "Surprised"), 32) | changed
    common = {"Fearful": "Fear", "Surprised": "Surprise"}
    parts = {
        "test": {"n": 240, "labels": raw},
        "train": {"n": 1200, "labels": {label: 5 * number for label, number in raw.items()}},
    }
    names = {label: common.get(label, label) for label in raw}
    path.write_text(json.dumps({"ravdess": {"label_map": names, "folds": {"1": parts}}}))
    return path


def test_a_whole_release_is_described_and_fits(root, tool, tmp_path, capsys):
    folds = summary(tmp_path / "folds.json")
    given = ["--data", "Ravdess", "--data.root", str(root), "--folds", str(folds)]
    assert tool.main(given) == 0
    out, err = capsys.readouterr()
    table = {line.split()[0]: line.split() for line in out.splitlines() if line.split()}
    assert table["train"][1:8] == ["960", "0.01", "16", "0.05", "0.05", "0.05", "960"]
    assert table["test"][8:] == ["32", "32", "16", "32", "32", "32", "32", "32"]
    assert "ravdess: train 960, val 240, test 240 clips" in out
    assert re.search(r"read in \d+\.\d\d s, again in \d+\.\d\d s", out)
    assert "instead of" not in err


def test_folds_that_are_not_emoboxs_are_told(root, tool, tmp_path, capsys):
    folds = summary(tmp_path / "folds.json", Calm=31)
    given = ["--data", "Ravdess", "--data.root", str(root), "--folds", str(folds)]
    assert tool.main(given) == 1
    err = capsys.readouterr().err
    assert "ravdess: the test part of EmoBox's fold 1 has {'angry': 32, 'calm': 31," in err
    assert "this one {'angry': 32, 'calm': 32," in err
    assert tool.main([*given[:4], "--data.fold", "2"]) == 0  # nothing to compare with
    with pytest.raises(SystemExit) as stopped:
        tool.main([*given[:4], "--folds", str(tmp_path / "none.json")])
    assert stopped.value.code == 2
    assert "there is no file" in capsys.readouterr().err


def test_a_node_names_a_corpus_and_clips_that_do_not_fit_are_told(root, tool, capsys):
    spoiled = next((root / "urdu" / "Sad").glob("*.wav"))
    content = spoiled.read_bytes()
    spoiled.write_bytes(b"")
    (root / "urdu" / "Sad" / "SM1_F99_S999.wav").write_bytes(content)
    node = str(CONFIGS / "corpora" / "urdu.yaml")
    assert tool.main(["--data", node, "--data.root", str(root)]) == 1
    out, err = capsys.readouterr()
    assert f"urdu: 1 clips cannot be used: {spoiled} has length zero" in err
    assert "urdu: there are 401 clips, the release has 400." in err
    assert "urdu: other numbers of clips by label: sad 101 instead of 100." in err
    assert " test " in out


def test_a_clip_that_no_copy_of_a_release_has_is_listed_and_no_complaint(tool, tmp_path, capsys):
    (tmp_path / "cremad").mkdir()
    release = write_crema_d(tmp_path / "cremad", [*stems(), "1076_MTI_SAD_XX"])
    (release / "AudioWAV" / "1076_MTI_SAD_XX.wav").write_bytes(b"")
    tool.main(["--data", "CremaD", "--data.root", str(tmp_path)])
    out, err = capsys.readouterr()
    assert "1 clips skipped" in out and "1076_MTI_SAD_XX" in out
    assert "cannot be used" not in err
    (release / "AudioWAV" / "1001_DFA_SAD_XX.wav").write_bytes(b"")
    tool.main(["--data", "CremaD", "--data.root", str(tmp_path)])
    err = capsys.readouterr().err
    assert "1 clips cannot be used: " in err and "1001_DFA_SAD_XX.wav has length zero" in err


def test_a_missing_release_is_a_sentence_and_no_traceback(tool, tmp_path, capsys):
    assert tool.main(["--data", "Tess", "--data.root", str(tmp_path)]) == 1
    assert f"looked for {tmp_path / 'tess'}" in capsys.readouterr().err


def test_a_fold_that_does_not_exist_is_a_sentence(tool, root, capsys):
    with pytest.raises(SystemExit) as stopped:
        tool.main(["--data", "Tess", "--data.root", str(root), "--data.fold", "3"])
    assert stopped.value.code == 2
    assert "`fold` of Tess is 3; choose one of [1, 2]" in capsys.readouterr().err


def test_words_and_sentiment_are_described_where_there_are_no_labels(tool, tmp_path, capsys):
    write_emer(tmp_path, recorded=False)
    given = ["--data", "Emer", "--data.source", "reasons", "--data.speaker_independent", "false"]
    assert tool.main([*given, "--data.root", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    table = {line.split()[0]: line.split() for line in out.splitlines() if line.split()}
    assert table["split"][-5:] == ["words", "words", "a", "clip", "sentiment"]
    assert table["train"][1:4] == ["14", "0.00", "0"]
    assert table["train"][-4:-2] == ["14", "11"] and table["train"][-1] == "-"
    assert err.endswith("emer: there are 20 clips, the release has 332.\n")
    write_cuts(tmp_path / "cmu_mosi" / "Raw", mosi_parts())
    write_labels(tmp_path / "cmu_mosi" / "label.csv", mosi_parts())
    assert tool.main(["--data", "CmuMosi", "--data.root", str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    table = {line.split()[0]: line.split() for line in lines if line.split()}
    assert table["test"][-3:-1] == ["-", "-"] and table["test"][-1] == "-0.07"


def test_every_member_of_a_mixture_is_described(root, tool, tmp_path, capsys):
    write_esd(root, sentences=[1])
    node = tmp_path / "node.yaml"
    node.write_text("{class_path: Mixture, init_args: {corpora: [Ravdess, Esd]}}")
    assert tool.main(["--data", str(node), "--data.root", str(root)]) == 1
    out, err = capsys.readouterr()
    assert "ravdess in" in out
    assert "esd in" in out
    assert "esd: there are 100 clips, the release has 35000." in err


def test_the_real_release_fits_and_is_read_in_time(shared, tool, capsys):
    root = str(shared / "corpora")
    assert tool.main(["--data", "Ravdess", "--data.root", root, "--data.fold", "3"]) == 0
    said = re.search(r"in (\S+) s, again in (\S+) s", capsys.readouterr().out)
    first, again = map(float, said.groups())
    assert (first < 20, again < 1) == (True, True), (first, again)
