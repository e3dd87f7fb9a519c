"""Published scores stand below one's own, each under the protocol by which it was made."""

import re

import pytest
import yaml

from emolit.corpora.iemocap import Iemocap
from emolit.corpora.meld import Meld
from emolit.corpora.ravdess import Ravdess
from emolit.reporting.published import PUBLISHED, SHOWN, published_corpora, published_table

GROUPS = yaml.safe_load(PUBLISHED.read_text(encoding="utf-8"))


def entry(run, **scores):
    return {"run": run, "corpus": "meld", "split": "test", "n": 2610, **scores}


def rows_of(corpus, *entries):
    sheet = published_table(corpus, entries)
    return [dict(zip(sheet.header, row, strict=True)) for row in sheet.rows], sheet.notes


def test_the_corpora_are_some_that_emolit_reads():
    assert published_corpora() == (Iemocap.name, Meld.name, Ravdess.name)


@pytest.mark.parametrize("group", GROUPS, ids=[group["source"] for group in GROUPS])
def test_a_protocol_has_a_source_and_scores_in_percent(group):
    assert group["source"].startswith("https://") and len(group["protocol"]) > 40
    for row in group["rows"]:
        scores = {name: value for name, value in row.items() if name != "model"}
        assert scores and set(scores) <= set(SHOWN)
        assert all(1 < value < 100 for value in scores.values())


def test_runs_come_first_and_published_rows_name_their_protocol():
    rows, notes = rows_of("meld", entry("grpo", UA=0.25, WA=0.5, macro_F1=0.2, weighted_F1=0.375))
    assert list(rows[0].values()) == ["grpo", "2610", "0.250", "0.500", "0.200", "0.375", ""]
    found = {(row[""], row["protocol"]): row for row in rows[1:]}
    letters = {note[0]: note for note in notes if re.match("[a-z]: ", note)}
    assert {letter for _, letter in found} == set(letters)
    whisper = next(row for (model, _), row in found.items() if model == "Whisper large v3")
    assert (whisper["WA"], whisper["UA"], whisper["n"]) == ("0.519", "-", "2610")
    assert "emo-box.github.io" in letters[whisper["protocol"]]


def test_one_model_has_other_scores_under_other_protocols():
    rows, notes = rows_of("meld")
    asked = [row for row in rows if row[""] == "Qwen2-Audio-7B-Instruct"]
    assert [row["UA"] for row in asked] == ["0.488", "0.355"]
    with_words, without = (
        next(note for note in notes if note.startswith(f"{row['protocol']}: ")) for row in asked
    )
    assert "transcript" in with_words and "sound alone" in without


def test_of_other_corpora_nothing_is_known():
    assert published_table("urdu", [entry("sft")]) is None


def test_a_zero_shot_row_is_that_of_the_run_logs(shared):
    logs = (shared / "recipes.md").read_text(encoding="utf-8")
    told = {
        tuple(map(float, found.groups()))
        for found in re.finditer(
            r"\| MELD test \| IR \| \w+ \| 2610 \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|", logs
        )
    }
    written = {
        (row["UA"], row["WA"], row["macro_F1"])
        for group in GROUPS
        for row in group["rows"]
        if row["model"] == "Qwen2-Audio-7B-Instruct"
    }
    assert written == told and len(told) == 2


def test_what_the_runs_have_in_place_of_a_protocol_is_theirs():
    classes = {"sad": {"support": 3}, "happy": {"support": 1}, "angry": {"support": 0}}
    shared = entry("grpo", per_class=classes, speaker_independent=False)
    _, notes = rows_of("meld", shared, entry("sft", per_class=classes, speaker_independent=True))
    assert notes[1:3] == (
        "grpo: 2610 clips of 2 labels, of speakers that training has heard, or that are unknown",
        "sft: 2610 clips of 2 labels, of speakers that training has not heard",
    )
