import os
from pathlib import Path

import pytest

from emolit.corpora.manifest import Manifest
from emolit.data.dataset import LoaderSettings
from emolit.data.links import LinkResolver, check_inside
from emolit.errors import CorpusError
from emolit.types import Clip
from tests.fakes.listing import ROWS, write_listing, write_table, write_tone

TRUSTED = LoaderSettings(outside_links=True)


def set_up(root, path="mine/list.csv", **settings):
    corpus = Manifest(path, root=str(root), **settings)
    corpus.prepare_data()
    corpus.setup()
    return corpus


@pytest.fixture
def root(tmp_path):
    """Return a root with one corpus, whose first recording may be taken away; a file beside it."""
    write_listing(tmp_path / "data" / "mine", ROWS, "list.csv")
    write_tone(tmp_path / "private.wav")
    return tmp_path / "data"


def test_a_corpus_or_all_corpora_may_stand_behind_a_link(root, tmp_path):
    (root / "mine").rename(tmp_path / "disk")
    (root / "mine").symlink_to(tmp_path / "disk")
    assert set_up(root).clips("train")
    (tmp_path / "linked").symlink_to(root)
    assert set_up(tmp_path / "linked").clips("train")
    (root / "mine").unlink()
    (root / "mine").symlink_to(os.path.relpath(tmp_path / "disk", root))
    assert set_up(tmp_path / "linked").clips("train")
    assert set_up(root, str(tmp_path / "disk" / "list.csv")).clips("train")


def test_links_inside_and_to_another_corpus_of_the_root_are_followed(root):
    first, second = (root / "mine" / ROWS[number]["path"] for number in (0, 1))
    first.rename(first.with_name("moved.wav"))
    first.symlink_to("moved.wav")
    (root / "other").mkdir()
    second.rename(root / "other" / "b.wav")
    second.symlink_to(root / "other" / "b.wav")
    assert set_up(root).clips("train")


@pytest.mark.parametrize("target", ["{}/private.wav", "../../../private.wav", "/nowhere/gone.wav"])
def test_a_file_that_links_to_outside_is_refused_unless_allowed(root, tmp_path, target):
    path = root / "mine" / ROWS[0]["path"]
    path.unlink()
    path.symlink_to(target.format(tmp_path))
    with pytest.raises(CorpusError, match=r"'wav/a0.wav'.* outside.*loading.outside_links"):
        set_up(root, loading=LoaderSettings(on_bad_audio="skip"))
    if path.exists():
        assert set_up(root, loading=TRUSTED).clips("train")


def test_a_folder_that_links_to_outside_is_refused_unless_allowed(root, tmp_path):
    (root / "mine" / "wav").rename(tmp_path / "wav")
    (root / "mine" / "wav").symlink_to(tmp_path / "wav")
    with pytest.raises(CorpusError, match="outside of the corpus"):
        set_up(root)
    assert set_up(root, loading=TRUSTED).clips("train")


def test_the_top_of_an_unpacked_archive_may_link_nowhere_either(root, tmp_path):
    unpacked = tmp_path / "unpacked"
    (unpacked / "a").parent.mkdir()
    (unpacked / "a").symlink_to(tmp_path)
    write_table(unpacked / "list.csv", [*ROWS, {**ROWS[0], "path": "a/private.wav"}])
    for row in ROWS:
        write_tone(unpacked / str(row["path"]))
    for where, name in ((unpacked, "list.csv"), (root, str(unpacked / "list.csv"))):
        with pytest.raises(CorpusError, match=r"private\.wav"):
            set_up(where, name)


@pytest.mark.parametrize("field", ["path", "video"])
@pytest.mark.parametrize("path", ["../private.wav", "/etc/hostname", "wav/../../private.wav"])
def test_paths_that_lead_out_are_refused(tmp_path, path, field):
    home = tmp_path / "mine"
    (home / "wav").mkdir(parents=True)
    clip = Clip(**{"id": "a", "corpus": "mine", "path": "wav/a.wav", field: path})
    with pytest.raises(CorpusError, match="outside"):
        check_inside([clip], home, [home])
    check_inside([clip], home, [home, Path("/")])


def test_text_alone_has_no_place_and_odd_names_are_left_to_others(tmp_path):
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    odd = ("", "a" * 300, "loop.wav", "nul\0l.wav", "..a/..wav")
    check_inside([Clip("a", "mine", path) for path in odd], tmp_path, [tmp_path])


def test_a_path_is_resolved_as_the_system_does(tmp_path):
    (tmp_path / "far" / "wav").mkdir(parents=True)
    (tmp_path / "far" / "wav" / "a.wav").touch()
    (tmp_path / "near").symlink_to("far/wav")
    links = LinkResolver()
    assert links.resolve(tmp_path / "near" / "a.wav") == tmp_path / "far" / "wav" / "a.wav"
    assert links.resolve(tmp_path / "near" / ".." / "wav" / "a.wav").samefile(
        tmp_path / "far" / "wav" / "a.wav"
    )
