"""What emolit relies on of datasets holds in the installed release."""

from importlib.metadata import version
from importlib.util import find_spec

import pytest
from datasets import Audio, load_dataset

from emolit.compat.datasets import audio_columns, open_local, open_remote, rows_of
from emolit.errors import CorpusError
from tests.fakes import hugging_face as fake

HERE = f"datasets {version('datasets')} breaks what emolit/compat/datasets.py relies on"


@pytest.mark.parametrize(
    ("write", "kind", "column"),
    [
        (fake.write_parquet, "WAV", "audio"),
        (fake.write_saved, "WAV", "audio"),
        (fake.write_tars, "FLAC", "flac"),
    ],
)
def test_rows_hold_audio_as_it_was_written_without_torchcodec(tmp_path, write, kind, column):
    write(tmp_path / "set", ["train", "test"])
    splits = open_local(tmp_path / "set", None)
    assert [*splits] == ["train", "test"], HERE
    assert audio_columns(splits["train"]) == [column], HERE
    wanted = [row["audio"]["bytes"] for row in fake.rows_of("train", kind)]
    assert [row[column]["bytes"] for row in rows_of(splits["train"])] == wanted, HERE


@pytest.mark.skipif(find_spec("torchcodec") is not None, reason="torchcodec is installed")
def test_without_our_feature_torchcodec_is_asked_for(tmp_path):
    """Once this fails, `Audio(decode=False)` will do, and the feature of ours can go."""
    fake.write_tars(tmp_path / "set", ["train"])
    stream = load_dataset(str(tmp_path / "set"), split="train", streaming=True)
    with pytest.raises(ImportError, match="torchcodec"):
        next(iter(stream.cast_column("flac", Audio(decode=False))))


def test_classes_have_names_and_no_class_has_none(tmp_path):
    rows = fake.rows_of("train")[:3]
    rows[1]["emotion"] = -1
    fake.dataset_of(rows).save_to_disk(tmp_path / "set")
    (split,) = open_local(tmp_path / "set", None).values()
    assert [row["emotion"] for row in rows_of(split)] == ["sad", None, "hap"], HERE


def test_a_data_set_that_the_hub_does_not_have_is_a_sentence(monkeypatch):
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for streaming in (True, False):
        with pytest.raises(CorpusError, match="'nobody/nothing' cannot be had") as raised:
            open_remote("nobody/nothing", None, None, streaming)
        assert ("torchcodec" in str(raised.value)) is not streaming
