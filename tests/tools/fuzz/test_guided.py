"""The search by coverage, where atheris is installed."""

from importlib.util import find_spec

import pytest

from tools.fuzz import guided


def test_readers_are_searched_or_the_missing_package_is_named(capsys):
    if find_spec("atheris") is None:
        with pytest.raises(SystemExit):
            guided.main(["--only", "Direct"])
        assert "pip install atheris" in capsys.readouterr().err
        return
    assert guided.main(["--only", "Direct", "--runs", "200"]) == 0
    said = capsys.readouterr().out
    assert "Direct: #200" in said and "1 readers, 200 texts each, 0 wrong" in said


def test_a_search_begins_with_pieces_and_with_what_readers_look_for(tmp_path):
    guided.begin(tmp_path)
    texts = {path.read_bytes().decode() for path in tmp_path.iterdir()}
    assert {"<think>", "悲伤", "<answer>sad</answer>"} <= texts
