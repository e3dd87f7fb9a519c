"""Sets of releases, and the page that says how they did."""

import json

import compat


def test_upper_bounds_are_lifted_and_nothing_else():
    lines = compat.without_upper_bounds()
    assert "transformers >=5.17" in lines
    assert "jsonargparse[signatures] >=4.51" in lines
    assert "jieba ==0.42.1" in lines
    assert not any("<" in line for line in lines)
    assert not any(line.startswith(("ruff", "mypy", "uv")) for line in lines)


def test_every_direct_dependency_has_an_upper_bound():
    open_ended = [r for r in compat.requirements("install_requires") if "<" not in r]
    assert not open_ended, "an upper bound says which release was run"


def test_a_run_that_did_not_start_has_failed():
    assert compat.outcome("ERROR: no module\n") == (0, 1, 0)
    assert compat.outcome("= 1 failed, 2 errors in 3s =") == (0, 3, 0)


def row(name, python="3.11.7", passed=5):
    versions = dict.fromkeys(compat.SHOWN, "1.0")
    return compat.Row(name, python, "2026-11-28", (), versions, passed, 0, 1)


def test_a_row_replaces_one_of_the_same_set_and_python(tmp_path, monkeypatch):
    monkeypatch.setattr(compat, "ROWS", tmp_path / "rows.json")
    monkeypatch.setattr(compat, "PAGE", tmp_path / "page.md")
    for one in (
        row("newest"),
        row("lock"),
        row("transformers 5.9"),
        row("transformers 5.18"),
        row("lock", "3.12.1"),
        row("lock", "3.11.9", 7),
    ):
        compat.keep(one)
    kept = [(r["set"], r["python"], r["passed"]) for r in json.loads(compat.ROWS.read_text())]
    assert kept == [
        ("newest", "3.11.7", 5),
        ("transformers 5.9", "3.11.7", 5),
        ("transformers 5.18", "3.11.7", 5),
        ("lock", "3.11.9", 7),
        ("lock", "3.12.1", 5),
    ]
    assert "| lock | 3.11.9 |" in compat.PAGE.read_text()


def test_a_set_of_the_very_releases_of_another_is_not_run_again(tmp_path, monkeypatch):
    ran = []

    def run(command, **given):
        if "pytest" in command:
            ran.append(command)
            given["stdout"].write("= 5 passed, 1 skipped in 3s =\n")

    releases = {"python": "3.11.7", "versions": dict.fromkeys(compat.SHOWN, "1.0"), "all": ["a==1"]}
    monkeypatch.setattr(compat, "ROWS", tmp_path / "rows.json")
    monkeypatch.setattr(compat, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(compat, "ROOT", tmp_path)
    monkeypatch.setattr(compat, "PLACE", tmp_path / "place")
    monkeypatch.setattr(compat, "installation", lambda name, venv: [])
    monkeypatch.setattr(compat, "direct_names", lambda: [])
    monkeypatch.setattr(compat.subprocess, "run", run)
    monkeypatch.setattr(compat, "output", lambda command: json.dumps(releases))
    monkeypatch.setattr(compat.shutil, "rmtree", lambda venv: None)
    (tmp_path / "place").mkdir()
    before = []
    for name in ("lock", "newest"):
        assert compat.run_set(name, "python3", (), before).passed == 5
    assert len(ran) == 1
    releases["all"] = ["a==2"]
    compat.run_set("newest", "python3", (), before)
    assert len(ran) == 2
    assert [r["set"] for r in json.loads(compat.ROWS.read_text())] == ["lock", "newest"]


def test_the_page_is_rendered_from_the_rows():
    rows = json.loads(compat.ROWS.read_text(encoding="utf-8"))
    assert compat.page(rows) == compat.PAGE.read_text(encoding="utf-8")
