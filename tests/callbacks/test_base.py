import ast
from pathlib import Path

from emolit.callbacks import base
from emolit.callbacks.base import gather
from emolit.reporting import tables as sheet


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
