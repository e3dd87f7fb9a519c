"""What emolit relies on of transformers holds in the installed release.

A failure here means that a new release has changed what nobody had promised; mend the entry of
`emolit/compat/transformers.py` that the test names, and nothing else.
"""

import shutil
from pickle import UnpicklingError

import pytest
import torch
import transformers
from transformers.dynamic_module_utils import resolve_trust_remote_code

from emolit.compat.transformers import (
    TOWERS,
    build_empty,
    checkpointing_units,
    class_of_checkpoint,
    delay_bars,
    find_part,
    overridden_setting,
    set_attention,
    set_source,
    settings_without_source,
    template_beside_processor,
    version,
    whisper_positions,
    why_not,
)
from emolit.engine.weights.checkpoint import load_model
from emolit.errors import PolicyError

HERE = f"transformers {version()} breaks what emolit/compat/transformers.py relies on"


@pytest.fixture
def network(nano_folder):
    """A tiny Qwen2-Audio."""
    return load_model(str(nano_folder), "Qwen2AudioForConditionalGeneration", "float32")


def test_layers_are_found_and_checkpointed(network):
    names = [name for name, _ in checkpointing_units(network)]
    for part in ("audio_tower.layers.0", "language_model.layers.0", "language_model.layers.1"):
        assert any(name.endswith(part) for name in names), f"{HERE}: {part} is no unit"


def test_a_model_is_saved_with_the_source_that_was_set(network):
    set_source(network, "/some/where")
    assert network.name_or_path == network.config.name_or_path == "/some/where", HERE
    assert "/some/where" not in map(str, settings_without_source(network.config).values()), HERE


def test_a_setting_is_another_one_for_a_block(network):
    config = network.config.get_text_config()
    before = config.max_position_embeddings
    with overridden_setting(config, "max_position_embeddings", 7):
        assert config.max_position_embeddings == 7, f"{HERE}: settings are no plain attributes"
    assert config.max_position_embeddings == before


def test_a_part_gets_the_attention_of_another(network):
    config, part = network.config, transformers.Qwen2Config()
    assert part._attn_implementation is None, f"{HERE}: a lone part has an attention"
    set_attention(part, like=config)
    assert part._attn_implementation == config._attn_implementation == "sdpa"


def test_the_class_of_a_checkpoint_is_found_also_inside_of_transformers(tmp_path):
    from transformers import WhisperConfig, WhisperModel

    for name in ("WhisperEncoder", "WhisperModel"):
        WhisperConfig(architectures=[name]).save_pretrained(tmp_path)
        assert class_of_checkpoint(str(tmp_path)).__name__ == name, f"{HERE}: other modules"
    assert class_of_checkpoint(str(tmp_path)) is WhisperModel
    with pytest.raises(PolicyError, match="No model loads"):
        class_of_checkpoint(str(tmp_path / "nowhere" / "else"))


def test_a_template_is_found_beside_the_processor(nano_folder):
    assert template_beside_processor(str(nano_folder)), f"{HERE}: get_processor_dict has none"


def test_the_tower_stands_where_policies_look(network):
    assert find_part(network, "model.audio_tower").conv1 is not None
    assert any(name.rsplit(".", 1)[-1] in TOWERS for name, _ in network.named_modules()), HERE
    with pytest.raises(PolicyError, match=f"transformers {version()} has no module 'model.ear'"):
        find_part(network, "model.ear")


def test_positions_of_a_whisper_tower_are_sines_and_cosines():
    table = whisper_positions(4, 8)
    assert table.shape == (4, 8)
    torch.testing.assert_close(table[0], torch.tensor([0.0] * 4 + [1.0] * 4), msg=HERE)
    torch.testing.assert_close(table[1, 0], torch.tensor(1.0).sin(), msg=HERE)


@pytest.mark.parametrize(
    "named", ["Qwen2AudioForConditionalGeneration", "AutoModelForMultimodalLM"]
)
def test_an_empty_model_is_the_loaded_one_without_weights(nano_folder, tmp_path, named):
    """All but the weights: names, shapes, types, buffers, settings; no file of weights is there."""
    shutil.copytree(nano_folder, tmp_path / "bare", ignore=shutil.ignore_patterns("*.safetensors"))
    factory = getattr(transformers, named)
    loaded = factory.from_pretrained(nano_folder, dtype=torch.bfloat16)
    empty = build_empty(factory, str(tmp_path / "bare"), torch.bfloat16)
    assert type(empty) is type(loaded)
    whole, bare = loaded.state_dict(), empty.state_dict()
    assert {name: (t.shape, t.dtype) for name, t in whole.items()} == {
        name: (t.shape, t.dtype) for name, t in bare.items()
    }
    assert all(weight.is_meta for weight in empty.parameters())
    trains = [{n: w.requires_grad for n, w in each.named_parameters()} for each in (loaded, empty)]
    assert trains[0] == trains[1]
    for (name, kept), (other, made) in zip(
        loaded.named_buffers(), empty.named_buffers(), strict=True
    ):
        assert name == other and torch.equal(kept, made)
    ends = [model.generation_config.eos_token_id for model in (loaded, empty)]
    assert ends[0] == ends[1] is not None
    assert empty.training is loaded.training is False


def test_the_weights_of_an_empty_model_are_tied(tmp_path):
    size = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 20}
    size |= {"num_key_value_heads": 2, "intermediate_size": 8, "tie_word_embeddings": True}
    transformers.Qwen2Config(**size).save_pretrained(tmp_path)
    empty = build_empty(transformers.Qwen2ForCausalLM, str(tmp_path), torch.float32)
    assert empty.lm_head.weight is empty.get_input_embeddings().weight


def test_a_bar_is_drawn_only_where_something_takes_long(capsys):
    from transformers.utils import logging

    before = logging.set_tqdm_hook(None)
    try:
        delay_bars()
        assert list(logging.tqdm(range(3), desc="Loading weights")) == [0, 1, 2]
    finally:
        logging.set_tqdm_hook(before)
    assert "Loading" not in capsys.readouterr().err


def test_code_and_pickles_are_not_advised():
    with pytest.raises(ValueError, match="trust_remote_code") as raised:
        resolve_trust_remote_code(False, "somebody/model", False, True)
    assert why_not(raised.value).endswith("emolit runs no code of a checkpoint")
    assert "take safetensors" in why_not(UnpicklingError("weights_only=False"))
    assert why_not(OSError("no such file")) == "no such file"
