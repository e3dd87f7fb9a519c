"""What stands on a disk; the truth is what was put there."""

import pytest

from emolit.errors import CorpusError
from emolit.files.disk import below, find_spelling, guess_encoding, json_of, lines_of, text_of


def names(folder, *pattern):
    return [path.relative_to(folder).as_posix() for path in below(folder, *pattern)]


@pytest.fixture
def tree(tmp_path):
    for name in ("corpus/own/a.wav", "elsewhere/b.wav", "elsewhere/deep/c.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path / "corpus"


def test_linked_folders_are_looked_into_and_each_once(tree):
    (tree / "linked").symlink_to(tree.parent / "elsewhere")
    assert names(tree, "*.*") == ["linked/b.wav", "linked/deep/c.txt", "own/a.wav"]
    (tree / "copy").symlink_to(tree / "own")
    (tree / "again").symlink_to(tree.parent / "elsewhere" / "deep")
    assert names(tree, "a.*") == ["own/a.wav"]
    assert sum(name.endswith("c.txt") for name in names(tree)) == 1


def test_links_in_a_circle_end_and_nothing_above_is_looked_into(tree):
    (tree / "own" / "up").symlink_to(tree)
    (tree / "own" / "root").symlink_to("/")
    (tree / "own" / "parent").symlink_to(tree.parent)
    (tree / "self").symlink_to("self")
    (tree / "gone").symlink_to("nowhere")
    assert names(tree, "*.*") == ["own/a.wav"]
    assert below(tree / "missing") == []


def test_a_folder_that_is_a_link_itself_keeps_its_name(tree):
    link = tree.parent / "link"
    link.symlink_to(tree)
    assert names(link, "*.wav") == ["own/a.wav"]


def test_a_folder_that_may_not_be_read_is_named(tree, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(tree), "iterdir", refuse)
    with pytest.raises(CorpusError, match=r"corpus may not be read: Permission denied\. Change"):
        below(tree)


@pytest.mark.parametrize("folder", ["E\u0301tude", "\u00c9tude"])
@pytest.mark.parametrize("file", ["f\u00fcr.wav", "fu\u0308r.wav"])
def test_each_part_of_a_path_is_found_in_either_spelling(tmp_path, folder, file):
    (tmp_path / folder).mkdir()
    (tmp_path / folder / file).touch()
    for wanted in ("E\u0301tude/f\u00fcr.wav", "\u00c9tude/fu\u0308r.wav"):
        assert find_spelling(tmp_path, wanted) == f"{folder}/{file}"
    assert find_spelling(tmp_path, f"{folder}/fur.wav") is None
    assert find_spelling(tmp_path, "x" * 300) is None


def test_texts_that_cannot_be_read_are_named(tmp_path):
    file = tmp_path / "a.json"
    for content, reason in (
        (b"t\xe9", "not UTF-8 at byte 1"), (b'{"a": 1,}', "no JSON"),
        (b"[" * 100_000, "no JSON"), (b"", "no JSON"),
    ):  # fmt: skip
        file.write_bytes(content)
        with pytest.raises(CorpusError, match=rf"a\.json is {reason}"):
            json_of(file)
    with pytest.raises(CorpusError, match="cannot be read: No such file"):
        text_of(tmp_path / "none")
    file.write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert json_of(file) == {"a": 1}


def test_only_line_ends_end_lines():
    assert lines_of("a\u0085b\u2028c\x0bd\r\ne\n") == ["a\u0085b\u2028c\x0bd", "e", ""]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_is_read_whatever_it_would_be_otherwise(encoding):
    assert (
        guess_encoding("it\u2019s, 打远".encode(encoding), "cp1252").lstrip("\ufeff")
        == "it\u2019s, 打远"
    )
