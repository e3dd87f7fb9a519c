import ast
from pathlib import Path

import pytest

from emolit.callbacks import base
from emolit.callbacks.base import gather, write_atomically
from emolit.reporting import tables as sheet


def test_a_file_is_whole_or_the_old_one_stays(tmp_path: Path):
    path = tmp_path / "deep" / "scores.json"
    with write_atomically(path) as file:
        file.write("первый")
    with pytest.raises(RuntimeError), write_atomically(path) as file:
        file.write("half")
        raise RuntimeError
    assert path.read_text(encoding="utf-8") == "первый"


def test_one_process_gathers_its_own_rows():
    assert gather(["a", "b"]) == ["a", "b"]


def test_no_callback_imports_anything_heavy_before_it_runs():
    sources = [Path(sheet.__file__), *Path(base.__file__).parent.glob("*.py")]
    assert len(sources) > 6
    for source in sources:
        for statement in ast.parse(source.read_text(encoding="utf-8")).body:
            names = [alias.name for alias in getattr(statement, "names", [])]
            names.append(getattr(statement, "module", None) or "")
            roots = {name.split(".")[0] for name in names}
            heavy = {"transformers", "peft", "matplotlib", "rich", "tensorboard"}
            assert not roots & heavy, source.name
