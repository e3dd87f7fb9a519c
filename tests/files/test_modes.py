"""Checkpoints can be read by whom the umask lets in."""

import os
from stat import S_IMODE

import pytest
import torch
from safetensors.torch import save_file

from emolit.files.modes import apply_umask


@pytest.mark.parametrize("mask", [0o022, 0o027])
def test_files_get_the_mode_of_ordinary_new_ones(tmp_path, mask):
    before = os.umask(mask)
    try:
        save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors")
        (tmp_path / "ordinary").write_text("")
        apply_umask(tmp_path)
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    modes = {S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {0o666 & ~mask}
