"""Fresh and trained adapters; their references are tested with the policies."""

import pytest
import torch
from torch import nn

from emolit.engine.weights.adapters import Lora, layer_names, widen
from emolit.engine.weights.checkpoint import load_model
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


@pytest.mark.parametrize("autocast", [False, True])
def test_what_trains_over_a_bfloat16_base_takes_steps_that_bfloat16_would_lose(
    nano_folder, tmp_path, batch, autocast
):
    lora = Lora(rank=3, targets=["q_proj"], train=["multi_modal_projector"])
    policy = Nano(str(nano_folder), lora=lora, dtype="bfloat16")
    policy.build(reference=True, seed=0)
    trained = {name: weight for name, weight in policy.named_parameters() if weight.requires_grad}
    assert any("multi_modal_projector" in name for name in trained)
    assert {weight.dtype for weight in trained.values()} == {torch.float32}
    before = {name: weight.detach().clone() for name, weight in trained.items()}
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        rollout = policy.encode_targets(batch)
        policy.reference_logprobs(rollout)
        loss = -policy.logprobs(rollout)[rollout.mask].mean()
    loss.backward()
    torch.optim.AdamW(trained.values(), lr=1e-6, weight_decay=0.0).step()
    name, weight = next(pair for pair in trained.items() if "projector" in pair[0])
    moved = (weight.detach() - before[name]).abs()
    assert moved[weight.grad != 0].median() == pytest.approx(1e-6, rel=0.1)
    policy.save(tmp_path / "trained")
    again = Nano(str(tmp_path / "trained"), dtype="bfloat16")
    again.build(reference=True, seed=0)
    found = dict(again.named_parameters())
    for name, weight in trained.items():
        assert torch.equal(found[name], weight), name


class Projector(nn.Linear):
    def forward(self, states, mask):
        return {"states": super().forward(states), "mask": mask}


class Reading(nn.Module):
    """The embedding, whose weight comes first, is read by ids, the projector by names."""

    dtype = property(lambda self: next(self.parameters()).dtype)

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5, 4)
        self.projector = Projector(4, 4)

    def forward(self, ids):
        return self.projector(states=self.embedding(ids), mask=ids > 0)


@pytest.mark.parametrize("names", [["embedding"], ["projector"], ["embedding", "projector"]])
@pytest.mark.parametrize("again", [torch.float32, torch.bfloat16])
def test_what_is_widened_takes_ids_and_names_and_may_be_cast_again(names, again):
    network = Reading().bfloat16()
    widen(network, names)
    for name in names:
        part = network.get_submodule(name)
        assert part.weight.dtype == torch.float32
        part.to(again)  # to bfloat16, as Lightning does under bf16-true
    said = network(torch.tensor([[0, 3]]))
    assert said["states"].dtype == torch.bfloat16
    assert said["mask"].tolist() == [[False, True]]


def test_an_expression_names_whole_layers_and_one_that_matches_none_is_refused(nano_folder):
    base = load_model(str(nano_folder), "Qwen2AudioForConditionalGeneration", "float32")
    assert layer_names(base, ["q_proj"]) == ["q_proj"]
    assert layer_names(base, r".*language_model.*\.0\..*q_proj") == [
        "model.language_model.layers.0.self_attn.q_proj"
    ]
    with pytest.raises(PolicyError, match=r"'nothing'; its layers have names such as 'lm_head'"):
        layer_names(base, "nothing")


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
