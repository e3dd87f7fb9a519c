"""Fresh and trained adapters; their references are tested with the policies."""

import pytest

from emolit.engine.adapters import Lora, named
from emolit.engine.checkpoint import load_model
from emolit.errors import PolicyError
from emolit.policies.nano import Nano


@pytest.mark.parametrize("dora", [False, True])
def test_settings_reach_peft(nano_folder, dora):
    policy = Nano(str(nano_folder), lora=Lora(rank=3, alpha=6, targets=["q_proj"], dora=dora))
    policy.build(reference=False, seed=0)
    names = [name for name, weight in policy.named_parameters() if weight.requires_grad]
    assert names
    assert all("q_proj" in name for name in names)
    assert any("magnitude" in name for name in names) is dora
    found = policy.model.peft_config["default"]
    assert (found.r, found.lora_alpha, found.lora_dropout) == (3, 6, 0.0)


def test_an_expression_names_whole_layers_and_one_that_matches_none_is_refused(nano_folder):
    base = load_model(str(nano_folder), "Qwen2AudioForConditionalGeneration", "float32")
    assert named(base, ["q_proj"]) == ["q_proj"]
    assert named(base, r".*language_model.*\.0\..*q_proj") == [
        "model.language_model.layers.0.self_attn.q_proj"
    ]
    with pytest.raises(PolicyError, match=r"'nothing'; its layers have names such as 'lm_head'"):
        named(base, "nothing")


def test_a_trained_adapter_is_refused_under_other_settings_or_of_another_kind(
    nano_folder, tmp_path
):
    policy = Nano(str(nano_folder), lora=Lora(rank=3, targets=["q_proj"]))
    policy.build(reference=False, seed=0)
    policy.save(tmp_path / "adapter")
    again = Nano(str(tmp_path / "adapter"), lora=Lora(rank=3, targets=["q_proj"]))
    again.build(reference=False, seed=0)
    other = Nano(str(tmp_path / "adapter"), lora=Lora(rank=3, targets=["v_proj"]))
    with pytest.raises(PolicyError, match=r"trained with .*q_proj.*asks for .*v_proj"):
        other.build(reference=False, seed=0)
    config = tmp_path / "adapter" / "adapter_config.json"
    config.write_text(config.read_text().replace('"LORA"', '"IA3"'))
    with pytest.raises(PolicyError, match=r"of the kind 'IA3'; only LORA"):
        Nano(str(tmp_path / "adapter")).build(reference=False, seed=0)
