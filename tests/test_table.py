from pathlib import Path

import pytest

from emolit.errors import CorpusError
from emolit.table import Row, by_name, read_table


def test_rows_know_their_line_and_blank_ones_do_not_count(tmp_path):
    table = tmp_path / "a.csv"
    table.write_text('path,text\n\n one , "two\nlines"\n,\nthree,\n')
    rows = read_table(table, ("path",))
    assert [(row.number, row.text("path"), row.text("text")) for row in rows] == [
        (4, "one", "two\nlines"),
        (6, "three", None),
    ]


def test_quoted_separators_and_quotes_are_kept(tmp_path):
    table = tmp_path / "a.tsv"
    table.write_text('path\ttext\n"a\tb"\t"say ""hi"", now"\n')
    (row,) = read_table(table, ("path", "text"))
    assert row.fields == {"path": "a\tb", "text": 'say "hi", now'}


def test_lines_of_json_keep_their_types_and_numbers_become_text(tmp_path):
    table = tmp_path / "a.jsonl"
    table.write_text('{"path": 7, "score": 0.5, "none": null}\r\n\r\n{"path": " b "}\r\n')
    first, second = read_table(table, ("path",))
    assert (first.number, second.number) == (1, 3)
    assert (first.text("path"), first.text("score"), second.text("path")) == ("7", "0.5", "b")
    assert first.text("none") is None
    assert first.text("absent") is None


@pytest.mark.parametrize("value", [True, ["a"], {"a": 1}])
def test_a_field_that_is_no_text_is_refused_with_its_place(value):
    row = Row(Path("my.jsonl"), 12, {"label": value})
    with pytest.raises(CorpusError, match=r"my\.jsonl, row 12: 'label' is .*, which is no text"):
        row.text("label")


def test_a_required_field_that_is_blank_is_refused():
    with pytest.raises(CorpusError, match=r"my\.csv, row 2: 'label' is empty\. Fill it in"):
        Row(Path("my.csv"), 2, {"label": "  "}).required("label")


def test_rows_are_found_by_name_and_a_name_stands_once(tmp_path):
    table = tmp_path / "a.csv"
    table.write_text("name,openset\nb,x\n0001,y\n")
    rows = by_name(table, ("openset",))
    assert [(name, row.text("openset")) for name, row in rows.items()] == [
        ("b", "x"),
        ("0001", "y"),
    ]
    assert by_name(table, (), key="openset")["y"].text("name") == "0001"
    table.write_text("name,openset\nb,x\nb,y\n")
    with pytest.raises(CorpusError, match="row 3: 'name' is 'b', as in row 2 already"):
        by_name(table, ())


@pytest.mark.parametrize(("value", "number"), [(" 1.5 ", 1.5), (0, 0.0), ("", None), (None, None)])
def test_a_number_may_be_text_or_absent(value, number):
    assert Row(Path("mine.csv"), 2, {"valence": value}).decimal("valence") == number


@pytest.mark.parametrize("value", ["high", "nan", "1,5", "inf"])
def test_what_is_no_number_is_refused_with_its_place(value):
    with pytest.raises(CorpusError, match=f"mine.csv, row 2: 'valence' is '{value}', no number"):
        Row(Path("mine.csv"), 2, {"valence": value}).decimal("valence")
