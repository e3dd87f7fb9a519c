"""What a strange table seems to hold; the proposal is then read by `Manifest` itself."""

import re
import shlex

import pytest
import yaml

from emolit.commands import describe
from emolit.commands.guess import Guess
from emolit.corpora.manifest import Manifest
from emolit.files.table import read_table
from tests.fakes.listing import ROWS, write_listing, write_table

GERMAN = {"angry": "Wut", "sad": "Trauer", "happy": "Freude"}


def guessed(folder, rows, name="clips.csv"):
    table = write_table(folder / name, rows)
    return Guess(table, tuple(read_table(table, ())))


def foreign(**others):
    return [
        {"nr": k, "wav": row["path"], "emo": GERMAN[row["label"]], "spk_id": row["speaker"],
         "utt": "That is no sentence at all.", **others}
        for k, row in enumerate(ROWS)
    ]  # fmt: skip


def test_columns_are_told_by_their_names_or_by_what_they_hold(tmp_path):
    found = guessed(tmp_path, foreign(fold="train", t0="x", begin=0.5))
    assert {ours: theirs for ours, (theirs, _) in found.columns.items()} == {
        "path": "wav", "label": "emo", "speaker": "spk_id", "split": "fold", "transcript": "utt",
        "start": "begin",
    }  # fmt: skip
    why = {ours: reason for ours, (_, reason) in found.columns.items()}
    assert why["path"] == "a common name of 'path'"
    assert why["split"] == "its values are splits"
    assert why["transcript"] == "its values are sentences"


def test_a_name_that_the_values_belie_is_not_taken(tmp_path):
    rows = [{"file": k, "sound": row["path"], "label": row["label"]} for k, row in enumerate(ROWS)]
    found = guessed(tmp_path, rows)
    assert found.columns["path"] == ("sound", "its values end like recordings")
    assert found.columns["label"] == ("label", "emolit's own name")


def test_the_command_and_the_node_are_read_as_they_are_printed(tmp_path, capsys):
    write_listing(tmp_path)
    write_table(tmp_path / "clips.csv", foreign())
    assert describe.main(["--guess", str(tmp_path / "clips.csv")]) == 0
    out = capsys.readouterr().out
    assert "15 of 15 recordings are where their paths say" in out
    node = yaml.safe_load(out[out.index("data:") : out.index("emolit describe")])["data"]
    assert node["init_args"]["columns"] == {
        "path": "wav", "label": "emo", "speaker": "spk_id", "transcript": "utt",
    }  # fmt: skip
    assert node["init_args"]["label_map"] == {german: ours for ours, german in GERMAN.items()}
    corpus = Manifest(**node["init_args"])
    corpus.setup()
    assert corpus.taxonomy.labels == ("angry", "happy", "sad")
    assert len(corpus.clips("train")) == 9
    command, fit = (shlex.split(line) for line in out.strip().splitlines()[-2:])
    assert fit == ["emolit", "fit", "--config", "own/sft", *command[4:]]
    assert describe.main(command[2:]) == 0


def test_all_labels_that_are_open_are_shown_at_once_and_not_mapped(tmp_path, capsys):
    rows = foreign()
    rows[0]["emo"], rows[4]["emo"], rows[7]["emo"] = "zzz", "annoyed", "17"
    table = write_table(tmp_path / "clips.jsonl", rows)
    assert describe.main([f"--guess={table}"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"zzz +1 +\? +unknown", out)
    assert re.search(r"annoyed +1 +angry +near: a kind of anger", out)
    assert "or remove their rows: ['zzz', '17']" in out
    assert '#   "zzz": ?\n' in out and '#   "17": ?\n' in out
    assert "0 of 15 recordings are where" in out
    node = yaml.safe_load(out[out.index("data:") : out.index("emolit describe")])["data"]
    assert "zzz" not in node["init_args"]["label_map"]


def test_a_table_without_recordings_or_truth_is_told(tmp_path, capsys):
    table = write_table(tmp_path / "x.csv", [{"a": 1, "b": 2}, {"a": 3, "b": "nan"}])
    assert describe.main(["--guess", str(table)]) == 0
    out = capsys.readouterr().out
    assert "no column holds names of recordings" in out and "no column holds a truth" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--guess"], "--guess reads one table"),
        (["--guess", "a.csv", "--data", "Tess"], "there are 3 words behind it"),
        (["--guess", "gone.csv"], "The table gone.csv is missing"),
    ],
)
def test_what_cannot_be_guessed_is_a_sentence(words, message, capsys):
    assert describe.main(words) == 2
    assert message in capsys.readouterr().err


def test_semicolons_between_the_columns_are_told(tmp_path, capsys):
    (tmp_path / "x.csv").write_text("wav;emo;who\na.wav;sad;p\n")
    assert describe.main(["--guess", str(tmp_path / "x.csv")]) == 2
    assert "Separate the fields by commas, not by semicolons." in capsys.readouterr().err


def test_guess_beside_a_corpus_is_refused(capsys):
    with pytest.raises(SystemExit):
        describe.main(["--data", "Tess", "--guess", "a.csv"])
    assert "--guess stands alone" in capsys.readouterr().err


@pytest.mark.parametrize(("values", "rating"), [((1, 3, 5), "Valence"), ((-1, 0, 1), None)])
def test_a_valence_that_is_never_negative_is_a_rating_whose_scale_must_be_given(
    tmp_path, capsys, values, rating
):
    rows = [{"path": row["path"], "Valence": values[k % 3]} for k, row in enumerate(ROWS)]
    found = guessed(tmp_path, rows)
    assert (found.rating and found.rating.name) == rating
    assert ("valence" in found.columns) is (rating is None)
    describe.main(["--guess", str(found.file)])
    told = " ".join(capsys.readouterr().out.split())
    assert ("give its scale by `attributes: {valence:" in told) is (rating is not None)
    assert "no column holds a truth" not in told
