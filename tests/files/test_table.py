import csv
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emolit.errors import CorpusError
from emolit.files.table import Row, by_name, read_table


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


@pytest.mark.parametrize("mark", ["nan", "NaN", "None", "<NA>", "N/A", "NULL", "null", " nan "])
def test_what_marks_a_missing_value_is_an_empty_field(mark):
    row = Row(Path("mine.csv"), 2, {"caption": mark})
    assert row.text("caption") is None
    with pytest.raises(CorpusError, match="row 2: 'caption' is empty"):
        row.required("caption")


def test_not_a_number_of_json_is_an_empty_field_and_words_that_look_alike_stay(tmp_path):
    table = tmp_path / "a.jsonl"
    fields = {"path": "a.wav", "caption": float("nan"), "speaker": "Nan", "transcript": "none"}
    table.write_text(json.dumps(fields))
    (row,) = read_table(table, ("path",))
    assert [row.text(name) for name in fields] == ["a.wav", None, "Nan", "none"]


COLUMNS = "path\tlabel\tspeaker\tsplit\ttranscript\n"


@pytest.mark.parametrize(
    ("suffix", "rows", "message"),
    [
        (".tsv", 'a.wav|angry|s1|test|"Hello there,\nb.wav|happy|s1|test|fine\n'
         'c.wav|sad|s1|test|I said."\n', "row 2: the field 'transcript' holds 2 more lines"),
        (".csv", 'a.wav|angry|s1|test|"Hello there,\nb.wav|happy|s1|test|fine\n'
         'c.wav|sad|s1|test|I said."\n', "row 2: the field 'transcript' holds 2 more lines"),
        (".csv", 'a.wav|angry|"s1|test|x\nb.WAV|happy|s1"|test|fine\n',
         "row 2: the field 'speaker' holds 1 more lines"),
        (".tsv", 'a.wav|angry|s1|test|x\nb.wav|sad|s1|test|"Hello" she said\n',
         "row 3: the row is malformed"),
        (".tsv", 'a.wav|angry|s1|test|"Hello\nb.wav|sad|s1|test|x\nc.wav|sad|s1|test|x\n',
         "row 2: the row is malformed .* Close its quotation marks"),
    ],
)  # fmt: skip
def test_a_quotation_mark_that_swallows_rows_is_refused_where_it_stands(
    tmp_path, suffix, rows, message
):
    table = tmp_path / f"a{suffix}"
    sign = "\t" if suffix == ".tsv" else ";"
    text = (COLUMNS.replace("\t", "|") + rows).replace(",", "").replace("|", sign)
    table.write_text(text.replace(";", ","))
    with pytest.raises(CorpusError, match=message):
        read_table(table, ("path",))


FIELD = st.text('ab ,."\n\t\u60b2', max_size=12).map(str.strip)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(st.tuples(FIELD, FIELD), min_size=1, max_size=4))
def test_what_the_csv_module_writes_is_read_back(tmp_path, rows):
    table = tmp_path / "a.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "caption", "reason"), *(("x.wav", *r) for r in rows)])
    found = read_table(table, ("path",))
    assert [(row.fields["caption"], row.fields["reason"]) for row in found] == rows


@pytest.mark.parametrize(
    ("content", "step"),
    [
        (
            "path;label;speaker;split\na.wav;sad;s;test\n",
            "Separate the fields by commas, not by se",
        ),
        ("path\tlabel\na.wav\tsad\n", "Separate the fields by commas, not by tabs"),
        ("path\uff0clabel\na.wav\uff0csad\n", "Separate the fields by commas, not by full"),
        ("sep=,\npath,label\na.wav,sad\n", "Remove this line, which only a spreadsheet"),
        ("Path,label\na.wav,sad\n", "Rename 'Path' to 'path'"),
        ("id,file_name,label\n1,a.wav,sad\n", "Rename 'file_name' to 'path'"),
        ("wav/a.wav,sad,s1\nwav/b.wav,sad,s2\n", "Write the names of the columns into the first"),
        ("id,label\n1,sad\n", "Add it, or rename the column that holds it to 'path'"),
    ],
)
def test_a_missing_column_is_told_with_what_to_do_about_it(tmp_path, content, step):
    table = tmp_path / "a.csv"
    table.write_text(content, encoding="utf-8")
    with pytest.raises(CorpusError, match=rf"row 1: the column 'path' is missing; .*\. {step}"):
        read_table(table, ("path",))


def test_columns_without_a_name_are_told_by_their_places(tmp_path):
    table = tmp_path / "a.csv"
    table.write_text("path,label,,\na.wav,sad,,\n")
    with pytest.raises(CorpusError, match=r"the columns \[3, 4\] have no names\. Name them, or re"):
        read_table(table, ("path",))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"path": %s}' % ("[" * 100_000), "row 1: the row is no JSON that can be read"),
        ('{"path": "a", "start": %s}' % ("9" * 5000), "row 1: the row is no JSON that can be read"),
        (r'{"path": "a", "speaker": "\ud800"}', r"row 1: the row holds half a character"),
        (r'{"path": "a", "captions": ["\uDFFF"]}', r"row 1: the row holds half a character"),
    ],
)
def test_json_that_breaks_readers_is_a_sentence(tmp_path, line, message):
    table = tmp_path / "a.jsonl"
    table.write_text(line + "\n")
    with pytest.raises(CorpusError, match=message):
        read_table(table, ("path",))


def test_whole_characters_beyond_the_first_plane_are_read(tmp_path):
    table = tmp_path / "a.jsonl"
    table.write_text(json.dumps({"path": "\U0001f600"}))
    assert read_table(table, ("path",))[0].text("path") == "\U0001f600"
