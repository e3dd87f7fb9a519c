"""Code that came with a checkpoint is not imported, from wherever one starts."""

import sys
from importlib import import_module

import pytest

from emolit.errors import ConfigError
from emolit.inference.class_paths import without_code_of


@pytest.fixture
def folder(tmp_path):
    """A checkpoint in a download; each module of either would say that it ran."""
    folder = tmp_path / "repo" / "best"
    (folder / "deep").mkdir(parents=True)
    for file in (
        folder / "hostile.py",
        folder / "deep" / "__init__.py",
        folder / "deep" / "down.py",
        folder.parent / "beside.py",
    ):
        file.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    return folder


@pytest.mark.parametrize(
    ("start", "name"),
    [
        ("repo/best", "hostile"),
        ("repo/best", "deep"),
        ("repo/best", "deep.down"),
        ("repo", "best.hostile"),
        (".", "repo.best.hostile"),
        (".", "repo.best.deep.down"),
        (".", "repo.beside"),
    ],
)
def test_what_came_with_the_checkpoint_is_refused_and_not_imported(
    tmp_path, monkeypatch, folder, start, name
):
    monkeypatch.syspath_prepend(str(tmp_path / start))
    monkeypatch.chdir(tmp_path)
    before = ({*sys.modules}, [*sys.meta_path])
    told = pytest.raises(ConfigError, match=r"names code in .*repo.*, which came with it")
    with told, without_code_of(folder):
        import_module(name)
    assert not (tmp_path / "ran").exists()
    assert ({*sys.modules}, [*sys.meta_path]) == before


def test_it_is_told_where_the_error_was_swallowed(tmp_path, monkeypatch, folder):
    monkeypatch.syspath_prepend(str(tmp_path))
    told = pytest.raises(ConfigError, match="names code in")
    with told, without_code_of(folder), pytest.raises(ImportError):
        import_module("repo.beside")


@pytest.mark.parametrize("start", [".", "repo"])
def test_ones_own_code_and_what_is_installed_are_imported(tmp_path, monkeypatch, folder, start):
    """Also where one starts in the download oneself, beside the checkpoint's folder."""
    home = tmp_path / start
    (home / "own_words").mkdir()
    (home / "own_words" / "one_word.py").write_text("")
    monkeypatch.syspath_prepend(str(home))
    for name in [*sys.modules]:
        if name.partition(".")[0] in ("own_words", "wave"):
            monkeypatch.delitem(sys.modules, name)
    with without_code_of(folder):
        import_module("own_words.one_word")
        import_module("wave")
        import_module("emolit.prompts.direct")
    del sys.modules["own_words"], sys.modules["own_words.one_word"]
