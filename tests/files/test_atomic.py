"""A file is whole, or the old one stays."""

from pathlib import Path

import pytest

from emolit.files.atomic import write_atomically


def test_a_file_is_whole_or_the_old_one_stays(tmp_path: Path):
    path = tmp_path / "deep" / "scores.json"
    with write_atomically(path) as file:
        file.write("первый")
    with pytest.raises(RuntimeError), write_atomically(path) as file:
        file.write("half")
        raise RuntimeError
    assert path.read_text(encoding="utf-8") == "первый"
