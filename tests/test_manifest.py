"""The cache of clips: what is written comes back, and nothing else is ever used."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolit import manifest
from emolit.manifest import Entry
from emolit.types import Clip

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
CLIPS = st.builds(
    Clip,
    id=TEXT,
    corpus=TEXT,
    path=TEXT,
    label=st.none() | TEXT,
    speaker=st.none() | TEXT,
    split=st.none() | st.sampled_from(["train", "val", "test"]),
    transcript=st.none() | TEXT,
    captions=st.lists(TEXT, max_size=3).map(tuple),
    seconds=st.none() | st.floats(0, 1e4),
    start=st.floats(0, 1e4),
    end=st.none() | st.floats(0, 1e4),
    votes=st.dictionaries(TEXT, st.integers(1, 20), max_size=3),
    words=st.lists(TEXT, max_size=3).map(tuple),
    sentiment=st.none() | st.floats(-3, 3),
    reason=st.none() | TEXT,
    video=st.none() | TEXT,
)
ENTRIES = (
    Entry(Clip("a", "toy", "wav/ä b.wav", "sad", "1", None, "سلام", ("one", "two"), 0.05)),
    Entry(Clip("b", "toy", "wav/b.wav"), "wav/b.wav is silent"),
)


@given(st.lists(st.builds(Entry, CLIPS, st.none() | TEXT), max_size=4))
def test_any_clips_come_back_as_they_were(tmp_path_factory, entries):
    path = tmp_path_factory.mktemp("cache") / "toy.jsonl"
    manifest.save(path, entries, "release")
    assert manifest.load(path, "release") == tuple(entries)


def test_a_manifest_is_a_header_and_one_readable_line_a_clip(tmp_path):
    path = tmp_path / "below" / "toy.jsonl"
    manifest.save(path, ENTRIES, "release")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0])["schema"] == manifest.SCHEMA
    assert [json.loads(line)["clip"]["path"] for line in lines[1:]] == ["wav/ä b.wav", "wav/b.wav"]
    assert "سلام" in lines[1]
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content[:-10],
        lambda content: content.replace(b"sad", b"shy"),
        lambda content: content.replace(b'"schema": ', b'"schema": 9'),
        lambda content: content.replace(b'"schema": 3', b'"schema": 1'),
        lambda content: b"\n".join(content.split(b"\n")[:2]),
        lambda content: content.replace(b'"release"', b'"other"', 1),
        lambda content: b"\xff\xfe" + content,
        lambda content: b"[]" + content[content.index(b"\n") :],
        lambda content: content[:0],
    ],
)
def test_a_damaged_foreign_or_older_manifest_is_not_used(tmp_path, spoil):
    path = tmp_path / "toy.jsonl"
    manifest.save(path, ENTRIES, "release")
    path.write_bytes(spoil(path.read_bytes()))
    assert manifest.load(path, "release") is None


def test_a_manifest_of_another_state_of_the_release_or_none_is_not_used(tmp_path):
    path = tmp_path / "toy.jsonl"
    assert manifest.load(path, "release") is None
    manifest.save(path, ENTRIES, "release")
    assert manifest.load(path, "changed release") is None


def test_a_disk_that_fills_leaves_the_old_manifest_and_no_rest(tmp_path, monkeypatch):
    path = tmp_path / "toy.jsonl"
    manifest.save(path, ENTRIES, "release")

    def fill(self, text, encoding):
        self.write_bytes(text[:20].encode(encoding))
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(Path, "write_text", fill)
        manifest.save(path, ENTRIES[:1], "release")
    assert manifest.load(path, "release") == ENTRIES
    assert list(tmp_path.iterdir()) == [path]


def test_the_fingerprint_sees_names_sizes_and_times_and_no_order(tmp_path):
    one, two = tmp_path / "1.wav", tmp_path / "2.wav"
    one.write_bytes(b"12")
    two.write_bytes(b"34")
    seen = manifest.fingerprint(tmp_path, [one, two])
    assert seen == manifest.fingerprint(tmp_path, [two, one])
    states = {seen, manifest.fingerprint(tmp_path, [one])}
    times = two.stat().st_atime_ns, two.stat().st_mtime_ns
    two.write_bytes(b"345")
    os.utime(two, ns=times)
    states.add(manifest.fingerprint(tmp_path, [one, two]))
    os.utime(two, ns=(0, 0))
    states.add(manifest.fingerprint(tmp_path, [one, two]))
    two.rename(tmp_path / "3.wav")
    states.add(manifest.fingerprint(tmp_path, [one, tmp_path / "3.wav"]))
    states.add(manifest.fingerprint(tmp_path, [one, two]))
    assert len(states) == 6


def test_the_cache_is_below_home_unless_the_environment_says_otherwise(monkeypatch, tmp_path):
    monkeypatch.setenv("EMOLIT_CACHE", str(tmp_path / "mine"))
    assert manifest.cache_folder() == tmp_path / "mine"
    monkeypatch.delenv("EMOLIT_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert manifest.cache_folder() == tmp_path / ".cache" / "emolit"


def test_the_code_of_a_reader_is_that_of_its_file(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "myreader.py"
    file.write_text("class Mine:\n    pass\n")
    mine = __import__("myreader").Mine
    before = manifest.code(mine)
    file.write_text("class Mine:\n    fixed = True\n")
    assert manifest.code(mine) != before
    assert manifest.code(type("Typed", (), {"__module__": "__console__"})) == ""
