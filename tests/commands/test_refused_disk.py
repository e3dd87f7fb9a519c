"""What a disk refuses becomes a sentence; other errors stay what they are."""

import errno
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from emolit.commands.refused_disk import refused

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full, which Linux has")
def test_a_full_disk_is_told_whoever_writes():
    with pytest.raises(OSError, match="No space") as plain, FULL.open("w") as file:
        file.write("much")
        file.flush()
    assert "A file of the run cannot be written: No space left on device." in refused(plain.value)


def test_the_writer_of_weights_is_understood(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(SafetensorError, match="os error") as caught:
        save_file({"a": torch.zeros(2)}, tmp_path / "missing" / "weights.safetensors")
    assert refused(caught.value) is None  # a folder that is missing is not the disk's refusal
    full = SafetensorError(f"I/O error: No space left on device (os error {errno.ENOSPC})")
    assert "No space left on device" in refused(full)


def test_of_a_copy_the_end_is_named_that_is_full():
    copied = OSError(errno.ENOSPC, "No space left on device", "from", None, "to")
    assert refused(copied).startswith("to cannot be written: No space left on device.")


@pytest.mark.parametrize("error", [ValueError("28"), OSError("no number"), KeyError("a")])
def test_other_errors_are_none_of_its_business(error):
    assert refused(error) is None


def test_a_place_that_is_no_folder_is_told_with_what_to_name_instead(tmp_path):
    (tmp_path / "file").touch()
    for made in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(OSError, match="file") as caught:
            made.mkdir(parents=True)
        said = refused(caught.value)
        assert said.startswith(f"{made} cannot be written: ")
        assert said.endswith("such as by `--trainer.default_root_dir`.")
