"""The released grouping against the finished grouping of every word, and tables that are none."""

import json
import shutil

import pytest

from emolit.affect.released_tables import ReleasedTables
from emolit.errors import ConfigError
from tests.lexicons import released

STORED = {"2025": "affectgpt_v2025", "2026": "mer2026"}
VERSIONS = pytest.mark.parametrize("version", STORED)


@VERSIONS
def test_every_word_has_the_stored_groups_and_no_other_word_is_known(shared, version):
    lines = (shared / "reference" / f"word_to_wheel_{STORED[version]}.tsv").read_text("utf-8")
    tables = released(shared, version)
    words = set()
    for line in lines.splitlines()[1:]:
        word, form, synonym, *rings = line.split("\t")
        assert tables.find(word) == tuple(group or None for group in (*rings, form, synonym))
        words.add(word)
    assert set(tables.table) == words


@VERSIONS
def test_the_word_map_is_the_stored_one(shared, version):
    stored = json.loads((shared / "reference" / "reference_cases.json").read_text("utf-8"))
    tables = released(shared, version)
    assert len(stored["word_map"]) == 38
    for case in stored["word_map"]:
        row = tables.row(case["word"]) or ("",) * len(tables.columns)
        names = [column.replace("/", "_level") for column in tables.columns]
        found = {name: group or "" for name, group in zip(names, row, strict=True)}
        assert found == case[STORED[version]]


@VERSIONS
def test_with_its_own_words_first_every_wheel_word_is_at_home_and_others_stay(shared, version):
    plain, own = released(shared, version), released(shared, version, strict=True)
    homes = {}
    for place in range(len(plain.wheels)):
        for column in (2 * place, 2 * place + 1):
            for name in plain.names(column):
                homes[name, column] = own.row(name)[column]
    astray = {(name, column): home for (name, column), home in homes.items() if home != name}
    # it stands twice on wheel 2, in the middle and at the rim, where the last place counts
    assert astray == {("disappointed", 3): "hurt"}
    moved = {word for word, row in plain.table.items() if own.table[word] != row}
    assert {"frustrated"} <= moved
    assert "frustrating" not in moved
    assert own.row("frustrated")[2] == "angry"
    assert plain.row("frustrated")[2] == "sad"


def test_the_two_versions_differ_where_the_form_table_was_mended(shared):
    old, new = released(shared, "2025"), released(shared, "2026")
    assert (old.group("fear", "wheel2"), new.group("fear", "wheel2")) == ("happy", "fearful")
    assert (old.tag, new.tag) == ("tables:2025|own:no", "tables:2026|own:no")


@pytest.fixture
def folder(shared, tmp_path):
    for path in (shared / "reference" / "emotion_wheel").iterdir():
        shutil.copyfile(path, tmp_path / path.name)
    return tmp_path


def test_lines_may_end_in_either_way(folder):
    forms = folder / "format.csv"
    forms.write_bytes(b"\xef\xbb\xbf" + forms.read_bytes().replace(b"\n", b"\r\n"))
    assert ReleasedTables(str(folder), "2025").group("happily", "wheel1") == "happy"


def test_another_version_than_asked_for_is_named(folder):
    with pytest.raises(ConfigError, match=r"are those of 2025, and `version` is '2026'; set it"):
        ReleasedTables(str(folder), "2026")


def test_tables_of_an_unknown_version_are_refused(folder):
    forms = folder / "format.csv"
    forms.write_text(forms.read_text("utf-8") + "nice,nicely\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"format\.csv are of no version that is known"):
        ReleasedTables(str(folder), "2025")
    shutil.copyfile(folder / "wheel2.xlsx", folder / "wheel1.xlsx")
    with pytest.raises(ConfigError, match="no version that is known"):
        ReleasedTables(str(folder), "2025")


@pytest.mark.parametrize("name", ["format.csv", "synonym.xlsx", "wheel3.xlsx"])
def test_a_missing_table_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(ConfigError, match=rf"{name} cannot be read.*released folder"):
        ReleasedTables(str(folder), "2025")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("format.csv", b"name;format\nsad;sadly\n"),
        ("format.csv", "name,format\ntraur\xfcg,a\n".encode("latin-1")),
        ("synonym.xlsx", b"no workbook"),
        ("wheel1.xlsx", b""),
    ],
)
def test_a_file_that_is_no_such_table_is_named(folder, name, content):
    (folder / name).write_bytes(content)
    with pytest.raises(ConfigError, match=f"{name} cannot be read"):
        ReleasedTables(str(folder), "2025")


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere.format\.csv cannot be read"):
        ReleasedTables(str(tmp_path / "nowhere"), "2025")
