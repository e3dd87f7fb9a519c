"""A file of a checkpoint that is damaged is named, whoever opens it."""

import shutil

import pytest

from emolit.affect.taxonomy import Taxonomy
from emolit.engine.weights.adapters import Lora
from emolit.engine.weights.checkpoint import check_there, load_model, load_processor, source_of
from emolit.engine.weights.intact import check_intact
from emolit.errors import PolicyError
from emolit.policies.majority import Majority
from emolit.policies.nano import Nano

DAMAGED = [b"", b"[]", b"\xff\x00 garbage of more than eight bytes", b"{", None]


def damage(path, content):
    """Write something else into a file; None cuts it off in the middle."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if content is None else content)


@pytest.fixture
def whole(nano_folder, tmp_path):
    return shutil.copytree(nano_folder, tmp_path / "whole")


def test_a_whole_folder_and_a_hub_id_pass(whole):
    check_intact(whole)
    check_intact("Qwen/Qwen2-Audio-7B-Instruct")


@pytest.mark.parametrize("content", DAMAGED)
@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_damaged_weights_and_settings_of_a_model_are_named(whole, name, content):
    damage(whole / name, content)
    with pytest.raises(PolicyError, match=rf"whole/{name} .*Get the checkpoint again"):
        check_there(str(whole))
    with pytest.raises(PolicyError, match=rf"whole/{name} .*Get the checkpoint again"):
        load_model(str(whole), Nano.auto_class, "float32")


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_vocabulary_is_named(whole, content):
    damage(whole / "tokenizer.json", content)
    with pytest.raises(PolicyError, match=r"whole/tokenizer\.json is no JSON"):
        load_processor(str(whole))


@pytest.fixture
def adapter(nano_folder, tmp_path):
    policy = Nano(str(nano_folder), lora=Lora(rank=2, alpha=6, targets=["q_proj"]))
    policy.build(reference=False, seed=0)
    policy.save(tmp_path / "adapter")
    return tmp_path / "adapter"


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "adapter_config.json"])
@pytest.mark.parametrize("content", [b"", b"garbage of more than eight bytes"])
def test_damaged_weights_and_settings_of_an_adapter_are_named(adapter, name, content):
    damage(adapter / name, content)
    with pytest.raises(PolicyError, match=rf"adapter/{name} .*Get the checkpoint again"):
        Nano(str(adapter)).build(reference=False, seed=0)


def test_an_adapter_that_names_no_base_is_refused(adapter):
    (adapter / "adapter_config.json").write_text("{}")
    with pytest.raises(PolicyError, match=r"adapter_config\.json names no base.* is None"):
        source_of(str(adapter))


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_damaged_files_of_a_classifier_are_named(tmp_path, name):
    made = Majority(taxonomy=Taxonomy(("angry", "sad")))
    made.build(reference=False, seed=0)
    made.save(tmp_path / "best")
    damage(tmp_path / "best" / name, None)
    with pytest.raises(PolicyError, match=rf"best/{name} .*Get the checkpoint again"):
        Majority(str(tmp_path / "best")).build(reference=False, seed=0)
