"""What is written beside takes its place whole."""

from emolit.files.replacing import replace_path


def test_a_checkpoint_that_is_a_folder_takes_the_place_of_another(tmp_path):
    """Sharded checkpoints are folders."""
    beside, target = tmp_path / ".last.ckpt.part", tmp_path / "last.ckpt"
    for text in ("first", "second"):
        beside.mkdir()
        (beside / "part").write_text(text)
        replace_path(beside, target)
        assert (target / "part").read_text() == text
    beside.write_text("a file again")
    replace_path(beside, target)
    assert target.read_text() == "a file again"
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]
