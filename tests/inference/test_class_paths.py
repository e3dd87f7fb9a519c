"""Code in a checkpoint's folder is not imported, from wherever one starts."""

import sys

import pytest

from emolit.errors import ConfigError
from emolit.inference.class_paths import refuse_own_code


@pytest.fixture
def folder(tmp_path):
    """A checkpoint with a module and a package, either of which would say that it ran."""
    folder = tmp_path / "runs" / "best"
    (folder / "deep").mkdir(parents=True)
    for file in (
        folder / "hostile.py",
        folder / "deep" / "__init__.py",
        folder / "deep" / "down.py",
    ):
        file.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    return folder


@pytest.mark.parametrize(
    ("start", "name"),
    [
        ("runs/best", "hostile.Prompt"),
        ("runs/best", "deep.Prompt"),
        ("runs/best", "deep.down.Prompt"),
        ("runs", "best.hostile.Prompt"),
        (".", "runs.best.hostile.Prompt"),
        (".", "runs.best.deep.down.Prompt"),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_a_class_out_of_the_folder_is_refused_and_not_imported(
    tmp_path, monkeypatch, folder, start, name, nested
):
    monkeypatch.syspath_prepend(str(tmp_path / start))
    before = {*sys.modules}
    node = {"class_path": name, "init_args": {}}
    if nested:
        node = {"class_path": "emolit.prompts.direct.Direct", "init_args": {"a": [{"b": node}]}}
    with pytest.raises(ConfigError, match=f"names {name}, whose code lies in that folder"):
        refuse_own_code(node, folder)
    assert not (tmp_path / "ran").exists()
    assert {*sys.modules} == before


@pytest.mark.parametrize(
    "name",
    [
        "emolit.prompts.direct.Direct", "mine.one_word.OneWord", "os.path.join", "__main__.Prompt",
        "nowhere.at.all", "Which one? a.b", "1.5", "sys.exit",
    ],
)  # fmt: skip
def test_classes_of_emolit_and_of_ones_own_are_left_alone(tmp_path, monkeypatch, folder, name):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "one_word.py").write_text("")
    refuse_own_code({"class_path": name, "init_args": {"question": name}}, folder)
