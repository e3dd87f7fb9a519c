"""Entries on disk: what is stored comes back, what is damaged does not."""

import pytest
import torch

from emolit.engine.tensor_store import TensorStore, digest

ENTRY = {"a": torch.arange(6.0).view(2, 3), "b": torch.tensor([1, 2])}


@pytest.fixture
def store(tmp_path):
    return TensorStore(tmp_path / "store")


def test_an_entry_comes_back_as_it_was(store):
    assert store.load("abc") is None
    store.save("abc", ENTRY)
    found = store.load("abc")
    assert found.keys() == ENTRY.keys()
    assert all(torch.equal(found[name], ENTRY[name]) for name in ENTRY)
    assert [path.name for path in store.folder.rglob("*") if path.is_file()] == ["abc.safetensors"]


@pytest.mark.parametrize("damage", ["cut", "altered", "emptied", "other"])
def test_a_damaged_entry_is_none(store, damage):
    store.save("abc", ENTRY)
    place = store.file_of("abc")
    whole = place.read_bytes()
    if damage == "other":
        store.save("xyz", {"a": torch.zeros(2, 3), "b": torch.tensor([1, 2])})
        other = store.file_of("xyz").read_bytes()
        whole = other[: -len(whole[-64:])] + whole[-64:]
    broken = {
        "cut": whole[:-3],
        "altered": whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:],
        "emptied": b"",
        "other": whole,
    }
    place.write_bytes(broken[damage])
    assert store.load("abc") is None


def test_values_types_shapes_names_and_order_make_the_digest():
    x = torch.arange(4.0)
    same = digest("k", x, {"a": 1, "b": [2]})
    assert same == digest("k", x.clone(), {"b": [2], "a": 1})
    others = [
        digest("k", x.view(2, 2), {"a": 1, "b": [2]}),
        digest("k", x.double(), {"a": 1, "b": [2]}),
        digest("k", x + 1, {"a": 1, "b": [2]}),
        digest("kk", x, {"a": 1, "b": [2]}),
        digest("k", x, {"a": 1, "b": [3]}),
        digest(x, "k", {"a": 1, "b": [2]}),
    ]
    assert len({same, *others}) == 7
