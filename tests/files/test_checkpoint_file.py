"""What torch has written to its end is let through, and whatever torch does not open is named."""

import pytest
import torch

from emolit.errors import ConfigError
from emolit.files.checkpoint_file import check_checkpoint_file


@pytest.fixture
def last(tmp_path):
    path = tmp_path / "last.ckpt"
    torch.save({"weights": torch.arange(1000.0)}, path)
    return path


def test_whole_files_folders_and_words_pass(last, tmp_path):
    for given in (last, tmp_path, "last", None, str(tmp_path / "gone.ckpt")):
        check_checkpoint_file(given)


@pytest.mark.parametrize("kept", [0, 10, 0.5, -1])
def test_what_torch_does_not_open_is_named(last, kept):
    content = last.read_bytes()
    last.write_bytes(content[: int(len(content) * kept) if isinstance(kept, float) else kept])
    with pytest.raises((RuntimeError, EOFError, OSError)):
        torch.load(last, weights_only=True)
    with pytest.raises(ConfigError, match=r"last\.ckpt has \d+ bytes.*begin anew, with"):
        check_checkpoint_file(last)


def test_what_lies_beside_is_offered_if_it_is_whole(last):
    last.with_name("best 1.ckpt").write_bytes(last.read_bytes())
    last.with_name("a.ckpt").write_bytes(b"")
    last.write_bytes(b"")
    with pytest.raises(ConfigError, match=r"beside it, by `--ckpt_path '.*/best 1\.ckpt'`"):
        check_checkpoint_file(last)
