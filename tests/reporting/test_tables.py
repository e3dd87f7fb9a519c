from typing import Any

import pytest

from emolit.reporting.tables import (
    ScoreTable,
    classes_table,
    interval,
    number,
    open_answers_table,
    scores_table,
)


def entry(**settings: Any) -> dict[str, Any]:
    scores = {"UA": 0.5, "WA": 0.6, "macro_F1": 0.4, "weighted_F1": 0.55, "parse_rate": 1.0}
    return {"run": "sft", "corpus": "one", "n": 12, **scores, **settings}


def cells(markdown: str) -> list[list[str]]:
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_a_row_holds_the_scores_in_the_order_of_the_header():
    header, _, row = cells(scores_table("all", [entry()], ("run", "corpus")).markdown())
    assert dict(zip(header, row, strict=True)) == {
        "run": "sft",
        "corpus": "one",
        "n": "12",
        "UA": "0.500",
        "95% interval": "-",
        "WA": "0.600",
        "macro F1": "0.400",
        "weighted F1": "0.550",
        "parse rate": "1.000",
    }


def test_a_corpus_without_clips_shows_dashes():
    empty = entry(n=0, **dict.fromkeys(("UA", "WA", "macro_F1", "weighted_F1", "parse_rate")))
    _, _, row = cells(scores_table("all", [empty], ("corpus",)).markdown())
    assert row == ["one", "0", *["-"] * 6]


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (None, "-"),
        ({"low": None, "high": None, "remark": "no interval: a single speaker"}, "-"),
        ({"low": 0.25, "high": 0.5, "remark": None}, "0.250-0.500"),
        ({"low": 0.25, "high": 0.5, "remark": "unreliable: only 3 speakers"}, "0.250-0.500*"),
    ],
)
def test_an_interval_with_a_remark_has_a_star(found: dict[str, Any] | None, shown: str):
    assert interval(found) == shown


def test_what_a_reader_must_know_stands_below():
    remark = {"low": 0.2, "high": 0.8, "remark": "unreliable: only 3 speakers"}
    one = entry(UA_interval=remark, dropped={"calm": 3, "other": 1}, foreign_rate=0.05)
    sheet = scores_table("all", [one, entry(corpus="two")], ("run", "corpus"))
    assert sheet.notes == (
        "sft, one: interval of UA unreliable: only 3 speakers",
        "sft, one: 5.0% of the answers name a label without clips",
        "sft, one: 4 clips left out by the label map: calm 3, other 1",
    )
    assert all(f"- {note}" in sheet.markdown() for note in sheet.notes)


def test_an_absent_class_shows_dashes_and_its_support():
    scores = {
        "sad": {"recall": 0.5, "precision": 1.0, "F1": 2 / 3, "support": 4},
        "calm": {"recall": None, "precision": None, "F1": None, "support": 0},
        "unreadable": {"SomeMetric": 0.1},
    }
    _, _, *rows = cells(classes_table("by class", {"per_class": scores}).markdown())
    assert rows == [["sad", "4", "0.500", "1.000", "0.667"], ["calm", "0", "-", "-", "-"]]


def test_a_narrow_terminal_cuts_no_number(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "40")
    row = tuple(f"0.{digit}2345" for digit in range(10))
    ScoreTable("wide", tuple(f"column {digit}" for digit in range(10)), (row,)).show()
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split() == list(row) for line in lines)


def test_markup_in_a_cell_stays_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "100")
    sheet = ScoreTable("[red]t", ("[bold]a",), (("x|y\nz",), ("[/]",)), ("[b] note",))
    sheet.show()
    shown = capsys.readouterr().out
    assert all(words in shown for words in ("[red]t", "[bold]a", "x|y", "[/]", "[b] note"))
    assert "| x\\|y z |" in sheet.markdown()
    page = ScoreTable("t", ("<b>sad</b>",), (("<!--",), ("< 0.05",))).markdown()
    assert "| &lt;b>sad&lt;/b> |" in page
    assert "| &lt;!-- |" in page
    assert "| < 0.05 |" in page


def test_zero_is_a_score():
    assert (number(0.0), number(None)) == ("0.000", "-")


def test_open_answers_have_the_scores_that_are_asked_for_and_a_signature_that_they_share():
    one = {"corpus": "one", "n": 2, "CIDEr_D": 0.5, "tokens": 7, "parse_rate": 1.0}
    entries = [{**one, "signatures": {"CIDEr_D": "tok:a", "tokens": "tok:a"}}]
    sheet = open_answers_table("all", entries, ("CIDEr_D", "tokens", "METEOR"))
    header, _, row = cells(sheet.markdown())
    assert header == ["corpus", "n", "CIDEr D", "tokens", "METEOR"]
    assert row == ["one", "2", "0.500", "7", "-"]
    assert sheet.notes == ("tok:a",)
    other = {**one, "signatures": {"CIDEr_D": "tok:b"}}
    assert open_answers_table("all", [*entries, other], ("CIDEr_D",)).notes == ()


def test_the_first_score_of_open_answers_that_has_an_interval_shows_it():
    """A rating's CCC, as `Attributes` reports it; the other intervals stand in scores.json."""
    found = {"low": 0.4, "high": 0.625, "remark": "by clip, as nobody says who speaks"}
    entry = {"corpus": "one", "n": 9, "CCC": 0.5, "CCC_interval": found, "MAE": 1.0}
    entry |= {"MAE_interval": found, "parse_rate": 1.0}
    sheet = open_answers_table("all", [entry], ("parse_rate", "CCC", "MAE"))
    header, _, row = cells(sheet.markdown())
    assert header == ["corpus", "n", "parse rate", "CCC", "95% interval", "MAE"]
    assert row == ["one", "9", "1.000", "0.500", "0.400-0.625*", "1.000"]
    assert sheet.notes == ("one: interval of CCC by clip, as nobody says who speaks",)
    whole = {**entry, "CCC_interval": {**found, "remark": None}}
    assert open_answers_table("all", [whole], ("CCC",)).notes == ()


def test_a_cell_does_not_command_the_terminal(capsys: pytest.CaptureFixture[str]):
    ScoreTable("a\x1b[2J", ("b\x07",), (("c\x1b]0;title\x07",),), ("d\r",)).show()
    shown = capsys.readouterr().out
    assert not set("\x1b\x07\r") & {*shown}
    assert all(text in shown for text in (r"a\x1b[2J", r"b\x07", r"c\x1b]0;title\x07", r"d\r"))
