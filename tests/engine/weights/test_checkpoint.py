"""What a checkpoint must have."""

import io
import json
import pickle
import shutil
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from emolit.engine.inputs.audio_processor import load_audio_processor
from emolit.engine.inputs.text_processor import load_text_processor
from emolit.engine.weights.checkpoint import (
    RebuiltModel,
    check_there,
    check_tied,
    checkpoint_layers,
    load_model,
    load_processor,
    source_of,
)
from emolit.errors import PolicyError
from emolit.judges.encoder import SentenceEncoder
from tests.fakes.models import save, tokenizer


def test_a_path_that_leads_nowhere_is_named_and_a_hub_id_is_not_a_path():
    with pytest.raises(PolicyError, match="'runs/sft/best' is not there"):
        check_there("runs/sft/best")
    check_there("Qwen/Qwen2-Audio-7B-Instruct")


def test_an_adapter_leads_to_its_base_and_a_model_to_itself(nano_folder, tmp_path):
    assert source_of(str(nano_folder)) == (str(nano_folder), None)
    settings = {"base_model_name_or_path": str(nano_folder), "r": 4}
    (tmp_path / "adapter_config.json").write_text(json.dumps(settings))
    assert source_of(str(tmp_path)) == (str(nano_folder), settings)
    settings["base_model_name_or_path"] = "runs/gone/base"
    (tmp_path / "adapter_config.json").write_text(json.dumps(settings))
    with pytest.raises(PolicyError, match="'runs/gone/base' is not there"):
        source_of(str(tmp_path))


def test_a_head_that_should_be_tied_and_is_not_is_refused(nano_folder):
    model = load_model(str(nano_folder), "Qwen2AudioForConditionalGeneration", "float32")
    check_tied(model, "here")
    model.config.get_text_config().tie_word_embeddings = True
    with pytest.raises(PolicyError, match=r"ties its head .* transformers \d"):
        check_tied(model, "here")


def test_another_architecture_is_refused(nano_folder):
    with pytest.raises(PolicyError, match="`VoxtralForConditionalGeneration` of transformers"):
        load_model(str(nano_folder), "VoxtralForConditionalGeneration", "float32")


def test_an_architecture_that_the_installed_transformers_lacks_is_named(nano_folder):
    with pytest.raises(PolicyError, match=r"transformers \d.* has no `Qwen9Audio`.*a newer one"):
        load_model(str(nano_folder), "Qwen9Audio", "float32")


def test_weights_come_in_the_type_asked_for(nano_folder):
    model = load_model(str(nano_folder), "Qwen2AudioForConditionalGeneration", "bfloat16")
    assert {weight.dtype for weight in model.parameters()} == {torch.bfloat16}


def test_weights_of_another_model_are_passed_over_if_the_policy_names_them(nano_folder, tmp_path):
    folder = tmp_path / "whole"
    shutil.copytree(nano_folder, folder)
    state = load_file(folder / "model.safetensors") | {"talker.norm.weight": torch.ones(2)}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    architecture = (str(folder), "Qwen2AudioForConditionalGeneration", "float32")
    load_model(*architecture, foreign=("talker.",))
    with pytest.raises(PolicyError, match=r"1 unexpected keys, such as 'talker\.norm\.weight'"):
        load_model(*architecture)


def test_layers_of_the_language_model_are_checkpointed_if_the_whole_cannot(nano_folder):
    model = load_model(str(nano_folder), "Qwen2AudioForConditionalGeneration", "float32")
    model.supports_gradient_checkpointing = False
    checkpoint_layers(model)
    on = [n for n, m in model.named_modules() if isinstance(m.forward, RebuiltModel)]
    assert on
    assert all("language_model" in name for name in on)
    model.get_decoder().supports_gradient_checkpointing = False
    with pytest.raises(PolicyError, match="leave `gradient_checkpointing` out"):
        checkpoint_layers(model)


class Opened:
    """Stands in a pickle for code that would run."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_a_processor_without_ears_is_refused(tmp_path):
    with pytest.raises(PolicyError, match=r"TokenizersBackend, has no `tokenizer`"):
        load_processor(str(save(tmp_path, tokenizer((), ""))))


AUTO = {
    "AutoConfig": "foreign.Foreign",
    "AutoModel": "foreign.Foreign",
    "AutoModelForCausalLM": "foreign.Foreign",
    "AutoProcessor": "foreign.Foreign",
    "AutoFeatureExtractor": "foreign.Foreign",
    "AutoTokenizer": ["foreign.Foreign", "foreign.Foreign"],
}


@pytest.mark.parametrize(
    "load",
    [
        lambda source: load_model(source, "AutoModelForCausalLM", "float32"),
        load_processor,
        load_text_processor,
        load_audio_processor,
        lambda source: SentenceEncoder(source).model,
        lambda source: SentenceEncoder(source).reader,
    ],
    ids=["model", "processor", "tokenizer", "audio", "frozen model", "its reader"],
)
def test_code_in_a_checkpoint_is_not_run_even_if_somebody_at_the_terminal_would_allow_it(
    tmp_path, monkeypatch, load
):
    folder, ran = tmp_path / "model", tmp_path / "ran"
    folder.mkdir()
    (folder / "foreign.py").write_text(f"open({str(ran)!r}, 'w')\nclass Foreign: ...\n")
    settings = {"model_type": "foreign", "auto_map": AUTO, "processor_class": "Foreign"}
    for name in ("config", "processor_config", "preprocessor_config", "tokenizer_config"):
        (folder / f"{name}.json").write_text(json.dumps(settings))
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n" * 9))
    with pytest.raises(PolicyError, match="emolit runs no code of a checkpoint"):
        load(str(folder))
    assert not ran.exists()


def test_a_pickle_in_place_of_weights_is_not_run(nano_folder, tmp_path):
    folder, ran = tmp_path / "model", tmp_path / "ran"
    shutil.copytree(nano_folder, folder)
    for file in folder.glob("*.safetensors*"):
        file.unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"w": Opened(str(ran))}, protocol=2))
    with pytest.raises(
        PolicyError, match="its weights are a pickle that asks for more than weights"
    ):
        load_model(str(folder), "AutoModelForMultimodalLM", "float32")
    assert not ran.exists()
