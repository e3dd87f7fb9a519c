"""What a row of a data set becomes on the disk."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from emolit.data.unpacking import RECORDING, plain_fields, unpack
from emolit.errors import ConfigError, CorpusError
from emolit.files.table import read_table
from tests.fakes.hugging_face import encoded


class Rows(list):
    """A split without features, as a stream of JSON lines has it."""

    features = None


def unpacked(folder, rows, audio="audio", source=None):
    place = folder / "out"
    unpack({"train": Rows(rows)}, place, str(source or folder), audio, None)
    return place, [row.fields for row in read_table(place / "train.jsonl", (RECORDING,))]


def test_bytes_stay_as_they_are_and_keep_their_extension(tmp_path):
    content = encoded(300, "FLAC")
    rows = [{"audio": {"bytes": content, "path": "x/A.FLAC"}}, {"audio": content}]
    place, fields = unpacked(tmp_path, rows)
    assert [one[RECORDING] for one in fields] == ["train/0000001.flac", "train/0000002"]
    assert {(place / one[RECORDING]).read_bytes() for one in fields} == {content}


def test_arrays_lose_nothing(tmp_path):
    samples = np.array([0.5, -1.25, 2**-20], np.float32)
    place, (fields,) = unpacked(tmp_path, [{"audio": {"array": samples, "sampling_rate": 8000}}])
    heard, rate = soundfile.read(
        io.BytesIO((place / fields[RECORDING]).read_bytes()), dtype="float32"
    )
    assert (rate, heard.tolist()) == (8000, samples.tolist())


def test_a_file_is_linked_to_and_one_elsewhere_fetched(tmp_path, monkeypatch):
    import fsspec

    monkeypatch.setattr("emolit.data.unpacking.REMOTE", {"memory"})
    (tmp_path / "a.wav").write_bytes(b"one")
    with fsspec.open("memory://b.wav", "wb") as file:
        file.write(b"two")
    rows = [{"audio": "a.wav"}, {"audio": "memory://b.wav"}, {"audio": "gone.wav"}]
    place, fields = unpacked(tmp_path, rows)
    first, second, third = (place / one[RECORDING] for one in fields)
    assert first.is_symlink() and first.read_bytes() == b"one"
    assert not second.is_symlink() and second.read_bytes() == b"two"
    assert third.is_symlink() and not third.exists()


def test_nothing_becomes_an_empty_file(tmp_path):
    rows = [{"audio": None}, {"audio": {"bytes": None, "path": None}}]
    place, fields = unpacked(tmp_path, rows)
    assert [(place / one[RECORDING]).stat().st_size for one in fields] == [0, 0]


def test_fields_are_as_json_has_them_and_keep_the_name_path(tmp_path):
    row = {"audio": b"x", "path": "old.wav", "meta": {"who": {"id": 7}}, "image": b"y"}
    _, (fields,) = unpacked(tmp_path, [row])
    assert fields == {"path": "old.wav", "meta.who.id": 7, RECORDING: "train/0000001"}
    assert plain_fields({"a": {"b": None}, "c": [1.5], "d": 2 + 1j}) == {
        "a.b": None, "c": [1.5], "d": "(2+1j)",
    }  # fmt: skip


def test_what_breaks_in_the_middle_leaves_nothing_and_the_next_try_begins_anew(tmp_path):
    class Broken(Rows):
        def __iter__(self):
            yield from list.__iter__(self)
            raise OSError("the line is dead")

    rows = [{"audio": b"x"}]
    with pytest.raises(CorpusError, match=r"cannot be unpacked into .*: the line is dead"):
        unpack({"train": Broken(rows)}, tmp_path / "out", "x/y", "audio", None)
    assert not (tmp_path / "out").exists()
    _, fields = unpacked(tmp_path, rows)
    assert len(fields) == 1


def test_what_is_there_already_is_not_written_again(tmp_path):
    unpacked(tmp_path, [{"audio": b"x"}])
    place, fields = unpacked(tmp_path, [{"audio": b"y"}])
    assert (place / fields[0][RECORDING]).read_bytes() == b"x"


def test_an_empty_split_has_no_table_and_an_empty_data_set_is_refused(tmp_path):
    place = tmp_path / "both"
    unpack({"train": Rows([{"audio": b"x"}]), "test": Rows()}, place, "x", "audio", None)
    assert [file.name for file in place.glob("*.jsonl")] == ["train.jsonl"]
    with pytest.raises(CorpusError, match="x has no rows"):
        unpack({"train": Rows()}, tmp_path / "none", "x", "audio", None)


def test_a_column_of_audio_must_be_told_where_none_is_known(tmp_path):
    split = SimpleNamespace(features={"a": None, "b": None})
    with pytest.raises(ConfigError, match=r"no column 'c' for `audio`; it has \['a', 'b'\]"):
        unpack({"train": split}, tmp_path / "out", "x", "c", None)


@pytest.mark.parametrize(
    "address",
    [
        "file://{}/private.wav", "local:///private.wav", "simplecache::hf://a/b.wav",
        "file://{}/private.wav::hf://a/b.wav", "zip://a.wav::{}/private.zip",
        "zip://a.wav::file://{}/private.zip", "dir://x::https://a", "ssh://host/a.wav",
    ],
)  # fmt: skip
def test_an_address_leads_to_no_file_of_this_machine(tmp_path, address):
    (tmp_path / "private.wav").write_bytes(b"private")
    with pytest.raises(CorpusError, match="has its audio at"):
        unpacked(tmp_path / "set", [{"audio": address.format(tmp_path)}])
    assert not [*tmp_path.rglob("*.wav")][1:]


def test_an_archive_of_the_data_set_is_looked_into(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "audio.zip", "w") as archive:
        archive.writestr("a.wav", b"one")
    place, (fields,) = unpacked(tmp_path, [{"audio": f"zip://a.wav::{tmp_path}/audio.zip"}])
    assert (place / fields[RECORDING]).read_bytes() == b"one"
