"""Archives of labels; the truth is what numpy wrote, and that nothing foreign is ever called."""

import io
import os
import pickle
import re
import zipfile

import numpy as np
import pytest

from emolit.errors import CorpusError
from emolit.files.npz import read_archive, read_labels

RELEASED = {
    "cmumosi": {"train_corpus": 1284, "val_corpus": 229, "test_corpus": 686},
    "cmumosei": {"train_corpus": 16_326, "val_corpus": 1871, "test_corpus": 4659},
    "sims": {"train_corpus": 1368, "val_corpus": 456, "test_corpus": 457},
    "simsv2": {"train_corpus": 2722, "val_corpus": 647, "test_corpus": 1034},
}


class Evil:
    """Calls a function of the system when it is unpickled."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def write_pickle(path, pickled: bytes):
    """Write an npz file with one array of objects whose pickle is given."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|O", "fortran_order": False, "shape": ()}
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train_corpus.npy", header.getvalue() + pickled)
    return path


def test_plain_values_and_numpys_come_back_as_they_were(tmp_path):
    labels = {
        "a_1": {"emo": 0, "val": np.float64(-1.5)},
        "b_2": {"emo": "sad", "val": -10, "more": [np.float32(0.5), None, True, ("x",)]},
        "c_3": np.arange(6, dtype=np.int16).reshape(2, 3),
    }
    np.savez(tmp_path / "label.npz", train_corpus=labels, plain=np.arange(3), empty={})
    found = read_archive(tmp_path / "label.npz")
    assert [*found] == ["train_corpus", "plain", "empty"]
    array = found["train_corpus"].pop("c_3")
    expected = labels.pop("c_3")
    np.testing.assert_array_equal(array, expected)
    assert array.dtype == expected.dtype
    assert found["train_corpus"] == labels
    assert type(found["train_corpus"]["a_1"]["val"]) is np.float64
    assert found["plain"].tolist() == [0, 1, 2] and found["empty"] == {}


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_is_read(tmp_path, protocol):
    labels = {"a": {"emo": 0, "val": np.float64(0.25)}}
    pickled = pickle.dumps(np.array(labels, dtype=object), protocol)
    if b"_codecs" in pickled:
        with pytest.raises(CorpusError, match="_codecs"):  # bytes of protocol 2: none is released
            read_archive(write_pickle(tmp_path / "label.npz", pickled))
    else:
        found = read_archive(write_pickle(tmp_path / "label.npz", pickled))
        assert found == {"train_corpus": labels}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (os.system, ("touch TARGET",)),
        (eval, ("open('TARGET', 'w')",)),
        (exec, ("open('TARGET', 'w')",)),
        (os.mkdir, ("TARGET",)),
        (np.save, ("TARGET", "0")),
        (getattr, ("", "join")),
        (__import__, ("this",)),
    ],
)
def test_a_pickle_that_calls_anything_is_refused_and_calls_nothing(
    tmp_path, protocol, function, arguments
):
    target = tmp_path / "target"
    arguments = [str(argument).replace("TARGET", str(target)) for argument in arguments]
    pickled = pickle.dumps({"a": Evil(function, *arguments)}, protocol)
    path = write_pickle(tmp_path / "label.npz", pickled)
    with pytest.raises(CorpusError, match=r"label\.npz was not opened: it asks for .*Get the file"):
        read_archive(path)
    assert not target.exists() and not target.with_suffix(".npy").exists()


@pytest.mark.parametrize(
    "pickled",
    [
        b"cnumpy\nndarray.__class__\n.",
        b"\x80\x04\x8c\x05numpy\x8c\x10ndarray.__reduce__\x93.",  # a dotted name
        b"\x80\x04\x8c\x05numpy\x8c\x04load\x93.",
        b"\x80\x02\x82\x01.",  # an extension that nobody registered
        b"\x80\x04\x8c\x01xQ.",  # a persistent object
    ],
)
def test_ways_around_names_are_closed(tmp_path, pickled):
    with pytest.raises(CorpusError, match="was not opened"):
        read_archive(write_pickle(tmp_path / "label.npz", pickled))


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"\x80\x03}"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "label.npz"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=r"label\.npz was not opened: .*zip"):
        read_archive(path)
    with pytest.raises(CorpusError, match="was not opened"):
        read_archive(write_pickle(path, content))
    with pytest.raises(CorpusError, match=r"none\.npz is missing"):
        read_archive(tmp_path / "none.npz")


def test_a_truncated_pickle_is_refused(tmp_path):
    pickled = pickle.dumps({"a": {"val": np.float64(0.25)}})
    for size in range(1, len(pickled)):
        with pytest.raises(CorpusError, match="was not opened"):
            read_archive(write_pickle(tmp_path / "label.npz", pickled[:size]))


@pytest.mark.parametrize("name", RELEASED)
def test_released_files_hold_what_numpy_finds_in_them(shared, name):
    path = shared / "annotations" / "merbench" / f"{name}-process" / "label.npz"
    found = read_archive(path)
    assert {part: len(labels) for part, labels in found.items()} == RELEASED[name]
    with np.load(path, allow_pickle=True) as trusted:  # checked by its providers
        assert found == {part: trusted[part].item() for part in trusted.files}


def test_all_other_released_files_open(shared):
    paths = sorted((shared / "annotations").rglob("*.npz"))
    assert len(paths) >= 8
    for path in paths:
        assert all(isinstance(labels, dict) for labels in read_archive(path).values())


def test_labels_are_read_and_ten_below_zero_is_no_value(tmp_path):
    labels = {"a": {"emo": 0, "val": np.float32(0.5)}, "b": {"emo": "sad", "val": -10}}
    np.savez(tmp_path / "label.npz", train_corpus=labels, test1_corpus={})
    found = read_labels(tmp_path / "label.npz")
    assert found == {"train": {"a": (0, 0.5), "b": ("sad", None)}, "test1": {}}


@pytest.mark.parametrize(
    "labels", [{"a": 1}, {"a": {"emo": 0}}, ["a"], {"a": {"emo": 0, "val": "x"}}]
)
def test_an_archive_of_something_else_is_refused(tmp_path, labels):
    np.savez(tmp_path / "label.npz", train_corpus=np.array(labels, dtype=object))
    with pytest.raises(CorpusError, match=r"no labels of clips under 'train_corpus'"):
        read_labels(tmp_path / "label.npz")


@pytest.mark.parametrize("compressed", [False, True])
def test_whatever_is_damaged_is_refused_by_name_or_read(tmp_path, compressed):
    path = tmp_path / "label.npz"
    write = np.savez_compressed if compressed else np.savez
    write(path, train_corpus={f"a{i}": {"emo": i, "val": 0.5} for i in range(9)}, rest=np.ones(9))
    content = path.read_bytes()
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(1500):
        damaged = bytearray(content)
        for place in random.integers(0, len(content), random.integers(1, 4)):
            damaged[place] = random.integers(256)
        path.write_bytes(damaged)
        try:
            read_archive(path)
        except CorpusError as error:
            assert re.search(r"label.npz (was not opened|would unpack)", str(error))
            refused += 1
    assert refused > 500


def test_an_archive_that_unpacks_to_more_than_labels_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("emolit.files.npz.MOST", 1 << 16)
    np.savez_compressed(tmp_path / "bomb.npz", train_corpus=np.zeros(1 << 20, np.int8))
    assert (tmp_path / "bomb.npz").stat().st_size < 1 << 13
    with pytest.raises(CorpusError, match=r"unpack 'train_corpus.npy' to 1048704 bytes"):
        read_archive(tmp_path / "bomb.npz")


def test_an_archive_unpacks_to_no_more_than_it_promises(tmp_path, monkeypatch):
    monkeypatch.setattr("emolit.files.npz.MOST", 1 << 16)
    np.savez_compressed(tmp_path / "bomb.npz", train_corpus=np.zeros(1 << 20, np.int8))
    content, true = (tmp_path / "bomb.npz").read_bytes(), (1_048_704).to_bytes(4, "little")
    assert true in content
    (tmp_path / "bomb.npz").write_bytes(content.replace(true, (1000).to_bytes(4, "little")))
    with pytest.raises(CorpusError, match="was not opened"):
        read_archive(tmp_path / "bomb.npz")
