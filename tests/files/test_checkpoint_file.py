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


def test_whole_files_parts_words_and_addresses_pass(last, tmp_path):
    parts = tmp_path / "parts.ckpt"
    parts.mkdir()
    (parts / ".metadata").touch()
    words = ["best", "last", "hpc", "registry:me/mine", "s3://bucket/last.ckpt"]
    for given in (last, parts, None, *words):
        check_checkpoint_file(given)


def test_parts_are_for_strategies_that_read_them(tmp_path):
    parts = tmp_path / "last.ckpt"
    parts.mkdir()
    with pytest.raises(ConfigError, match=r"last.ckpt is a folder without the state"):
        check_checkpoint_file(parts)  # it is empty
    (parts / "__0_0.distcp").touch()
    check_checkpoint_file(parts, reads_parts=True)
    with pytest.raises(
        ConfigError, match=r"lies in parts, .*fsdp.yaml.* `emolit export .*/last --out"
    ):
        check_checkpoint_file(parts, reads_parts=False)


def test_a_path_that_leads_nowhere_is_told_with_what_lies_there(last, tmp_path):
    with pytest.raises(ConfigError, match=r"lost\.ckpt is not there.*--ckpt_path .*/last\.ckpt`"):
        check_checkpoint_file(tmp_path / "lost.ckpt")
    last.unlink()
    with pytest.raises(ConfigError, match=r"is not there\. No checkpoint lies beside it; look at"):
        check_checkpoint_file(str(tmp_path / "lost.ckpt"))


def test_a_folder_of_weights_is_told_from_a_training(last, tmp_path):
    (tmp_path / "last").mkdir()
    (tmp_path / "away" / "best").mkdir(parents=True)
    last.with_name("best.ckpt").write_bytes(last.read_bytes())
    with pytest.raises(ConfigError, match=r"last is a folder .*--ckpt_path .*/last\.ckpt`"):
        check_checkpoint_file(tmp_path / "last")
    with pytest.raises(ConfigError, match=r"Begin a run .*policy.init_args.checkpoint .*/best`"):
        check_checkpoint_file(tmp_path / "away" / "best")


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
