"""Every block of docs/notebook.md is run as it stands, in order; what it shows is compared."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "notebook.md").read_text(encoding="utf-8")
CELL = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)\n```)?", flags=re.DOTALL)


def shown(code, names):
    """Run a cell; return what a notebook would show below it."""
    *lines, last = ast.parse(code).body
    exec(compile(ast.Module(lines, []), "cell", "exec"), names)
    if isinstance(last, ast.Expr):
        return repr(eval(compile(ast.Expression(last.value), "cell", "eval"), names))
    exec(compile(ast.Module([last], []), "cell", "exec"), names)
    return None


def test_the_cells_show_what_the_page_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cells = CELL.findall(PAGE)
    assert len(cells) > 8
    names = {}
    for code, said in cells:
        found = shown(code, names)
        assert found == said, code
    assert sum(said != "" for _, said in cells) == len(cells), "each cell shows something"


@pytest.mark.parametrize(
    ("heading", "named", "left_out"),
    [
        ("Metrics", "GRPO", ["lightning", "transformers", "peft"]),
        ("Corpora", "WheelF1", ["lightning", "peft"]),
    ],
)
def test_what_the_blocks_before_a_heading_do_not_import(heading, named, left_out):
    before, _ = PAGE.split(f"\n## {heading}\n")
    code = "\n".join(code for code, _ in CELL.findall(before))
    assert named in code
    check = f"{code}\nimport sys\nprint([name for name in {left_out} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, cwd=ROOT)
    assert ended.stdout.strip() == "[]", ended.stderr


def test_a_page_that_says_something_else_is_noticed():
    assert shown("a = 1\na + 1", {}) == "2"
    assert shown("a = 1", {}) is None
    with pytest.raises(NameError):
        shown("missing", {})
