"""Merged weights are the base plus the adapter's product, worked out by hand."""

import json
from functools import partial

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from torch import nn

from emolit.compat.peft import plain_layers
from emolit.engine.scoring.logprobs import version
from emolit.engine.weights.adapters import Lora
from emolit.engine.weights.merging import (
    StackedProduct,
    copy_base,
    merge_adapter,
    sampled_merged,
)
from emolit.errors import ConfigError, PolicyError
from emolit.policies.nano import Nano
from emolit.types import Sampling
from tools.bench.decode import Counted

QKV = ("q_proj", "k_proj", "v_proj")


@pytest.fixture
def adapter(nano_folder, tmp_path):
    """An adapter whose weights are not 0."""
    policy = Nano(str(nano_folder), lora=Lora(rank=2, alpha=6, targets=["q_proj"]))
    policy.build(reference=False, seed=0)
    with torch.no_grad():
        for name, weight in policy.named_parameters():
            if weight.requires_grad:
                weight.copy_(torch.full_like(weight, 0.1 if "lora_A" in name else 0.2))
    policy.save(tmp_path / "adapter")
    return tmp_path / "adapter"


def test_every_weight_is_the_base_plus_alpha_over_rank_times_the_product(nano_folder, adapter):
    merged = merge_adapter(str(adapter), Nano.auto_class, "float32").state_dict()
    base = Nano(str(nano_folder))
    base.build(reference=False, seed=0)
    given = load_file(adapter / "adapter_model.safetensors")
    changed = 0
    for name, weight in base.model.state_dict().items():
        pair = [given.get(f"base_model.model.{name[:-7]}.lora_{each}.weight") for each in "BA"]
        added = 0.0 if pair[0] is None else 6 / 2 * pair[0] @ pair[1]
        changed += pair[0] is not None
        torch.testing.assert_close(merged[name], weight + added)
    assert changed > 0 and len(merged) == len(base.model.state_dict())


def test_the_weights_keep_their_type(adapter):
    merged = merge_adapter(str(adapter), Nano.auto_class, "bfloat16")
    assert {weight.dtype for weight in merged.parameters()} == {torch.bfloat16}


def test_a_whole_model_has_nothing_to_merge(nano_folder):
    with pytest.raises(PolicyError, match="leave `--merge` out"):
        merge_adapter(str(nano_folder), Nano.auto_class, "float32")


def test_a_copied_base_is_named_by_where_it_lies_now(nano_folder, adapter):
    copy_base(nano_folder, adapter)
    assert (adapter / "base" / "config.json").is_file()
    settings = json.loads((adapter / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == "base" and settings["r"] == 2


def shaken(nano_folder, lora, dtype="float32"):
    """Return a policy whose adapters say something."""
    policy = Nano(str(nano_folder), lora=lora, dtype=dtype)
    policy.build(reference=False, seed=0)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in policy.named_parameters():
            if "lora_B" in name:
                weight.copy_(0.3 * torch.randn(weight.shape, generator=generator))
    return policy


def joined(layer):
    """Return the product that a layer runs as; None where it runs as it is."""
    run = vars(layer).get("forward")
    return run.func.__self__ if isinstance(run, partial) else None


@pytest.mark.parametrize("train", [[], ["multi_modal_projector"]])
def test_a_policy_samples_merged_what_it_samples_otherwise_and_stays_bit_by_bit(
    nano_folder, batch, train
):
    sampling, results = Sampling(max_tokens=10), []
    for merge in (False, None):
        policy = shaken(nano_folder, Lora(rank=2, train=train, merge=merge))
        state = {name: kept.clone() for name, kept in policy.state_dict().items()}
        before = version(policy.language_model())
        results.append(policy.sample(batch, 3, sampling, seed=0, step=0))
        assert version(policy.language_model()) == before  # so that the prefill serves the loss
        assert all(torch.equal(policy.state_dict()[name], kept) for name, kept in state.items())
        assert not any("forward" in vars(part) for part in policy.modules() if "lora" in
                       type(part).__module__)  # fmt: skip
    apart, merged = results
    assert torch.equal(apart.tokens, merged.tokens)
    torch.testing.assert_close(apart.behavior, merged.behavior, atol=1e-5, rtol=0)
    assert not torch.equal(apart.behavior, merged.behavior)  # they were computed otherwise


def test_layers_with_one_input_are_one_product_and_say_each_its_own():
    weights = [torch.randn(rows, 4) for rows in (3, 2, 2)]
    biases = [torch.randn(rows) for rows in (3, 2, 2)]
    downs = [torch.zeros(1, 4)] * 3
    ups = [torch.zeros(rows, 1) for rows in (3, 2, 2)]
    product = StackedProduct(weights, biases, downs, ups, torch.float32)
    one, other = torch.randn(5, 4), torch.randn(5, 4)
    with Counted() as counted:
        found = [product.run(one, place) for place in (0, 1, 2)]
    assert counted.kernels == {"addmm": 1}
    for said, weight, bias in zip(found, weights, biases, strict=True):
        torch.testing.assert_close(said, one @ weight.T + bias)
    one.neg_()  # parts are handed out once: the input may be another one by now
    torch.testing.assert_close(product.run(one, 0), one @ weights[0].T + biases[0])
    torch.testing.assert_close(product.run(other, 1), other @ weights[1].T + biases[1])


@pytest.mark.parametrize(
    "targets", [["q_proj", "v_proj", "up_proj"], ["q_proj", "k_proj", "v_proj"]]
)
def test_layers_whose_neighbors_carry_no_adapter_run_alone(nano_folder, batch, targets):
    policy = shaken(nano_folder, Lora(rank=2, targets=targets))
    prompt = policy.encode(batch)
    with torch.no_grad():
        expected = policy.model(**prompt.inputs).logits
        with sampled_merged(policy.model):
            torch.testing.assert_close(policy.model(**prompt.inputs).logits, expected)
            replaced = [name for name, part in policy.model.named_modules() if joined(part)]
    assert replaced and all(name.endswith(tuple(targets)) for name in replaced)
    assert len(replaced) == len(list(plain_layers(policy.model)))


@pytest.mark.parametrize("bias", [False, True])
def test_in_bfloat16_a_young_adapter_is_not_rounded_away(bias):
    """A thousandth is added to ones, which bfloat16 has no numbers for, four thousand times."""
    random = torch.Generator().manual_seed(0)
    inner, rows, kind = 4096, (6, 3), torch.bfloat16
    weights = [2.0 * torch.randint(0, 2, (n, inner), generator=random).to(kind) - 1 for n in rows]
    biases = [torch.randn(n, generator=random).to(kind) for n in rows] if bias else None
    downs = [torch.ones(2, inner), torch.ones(1, inner)]
    ups = [torch.full((6, 2), 0.0005), torch.full((3, 1), 0.001)]
    product = StackedProduct(weights, biases, downs, ups, kind)
    given = torch.ones(5, 1, inner, dtype=kind)
    with Counted() as counted:
        found = [product.run(given, place) for place in (0, 1)]
    assert counted.kernels.total() == 2
    for place, weight in enumerate(weights):
        assert torch.equal((weight.float() + ups[place] @ downs[place]).to(kind), weight)
        without = weight.double().sum(1) + (biases[place].double() if bias else 0.0)
        torch.testing.assert_close(
            found[place].double(), (without + 4.096).expand(5, 1, -1), atol=0.3, rtol=0.008
        )


@pytest.mark.parametrize("kind", ["float32", "bfloat16"])
def test_under_autocast_an_adapter_stays_beside_whatever_the_base_is(nano_folder, batch, kind):
    policy = shaken(nano_folder, Lora(rank=2), dtype=kind)
    layer = policy.base.model.language_model.layers[0].self_attn.q_proj
    sound = torch.randn(4, 1, 16)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
        expected = layer(sound)
        with sampled_merged(policy.model):
            assert joined(layer).up is not None  # nothing was summed
            torch.testing.assert_close(layer(sound), expected, atol=0.02, rtol=0.02)
            assert layer(sound[:0]).shape == (0, 1, 16)
    assert joined(layer) is None


def test_layers_of_different_inputs_and_types_run_alone():
    """Queries that come from elsewhere, and biases beside adapters of another type."""
    model = nn.ModuleDict({name: nn.Linear(4 if name == "q_proj" else 6, 5) for name in QKV})
    made = get_peft_model(model, LoraConfig(r=2, target_modules=list(QKV), init_lora_weights=False))
    made.base_model.model["v_proj"].base_layer.half()
    layers = [made.base_model.model[name] for name in QKV]
    sounds = [torch.randn(3, 4), torch.randn(3, 6), torch.randn(3, 6)]
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
        expected = [layer(sound) for layer, sound in zip(layers, sounds, strict=True)]
        with sampled_merged(made):
            for layer, sound, truth in zip(layers, sounds, expected, strict=True):
                torch.testing.assert_close(layer(sound), truth, atol=0.05, rtol=0.05)
            assert len({id(joined(layer)) for layer in layers}) == 3


@pytest.mark.parametrize("lora", [None, Lora(rank=2, targets=["q_proj", "down_proj"])])
def test_what_autocast_would_cast_for_each_token_is_cast_once(nano_folder, batch, lora):
    """Neighbors of a layer with an adapter join it; the tower, which runs once, is left alone."""
    policy = shaken(nano_folder, lora)
    decoder, head = policy.base.get_decoder(), policy.base.get_output_embeddings()
    tokens = torch.tensor([[5, 6, 7]])
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
        expected = head(decoder(tokens).last_hidden_state)
        with sampled_merged(nn.ModuleList([decoder, head])):
            found = head(decoder(tokens).last_hidden_state)
            replaced = {name: joined(part) for name, part in policy.base.named_modules()}
            with Counted() as counted:
                decoder(tokens)
    torch.testing.assert_close(found, expected, atol=0.02, rtol=0.02)
    products = {name: product for name, product in replaced.items() if product is not None}
    assert len(products) == 7 * 2 + 1 and len({id(each) for each in products.values()}) == 4 * 2 + 1
    assert all("tower" not in name for name in products)
    assert {product.weight.dtype for product in products.values()} == {torch.bfloat16}
    queries = next(product for name, product in products.items() if name.endswith("q_proj"))
    assert len(queries.weight) == sum(queries.sizes) + (0 if lora is None else 2)
    assert counted.kernels["addmm"] + counted.kernels["mm"] == (8 if lora is None else 12)


def test_without_autocast_nothing_is_copied_of_a_whole_model(nano_folder):
    policy = shaken(nano_folder, None)
    with sampled_merged(policy.base.get_decoder()):
        assert not any(joined(part) for part in policy.modules())


def test_a_policy_tells_whether_it_makes_copies(nano_folder):
    for lora in (None, Lora(), Lora(merge=True), Lora(dora=True)):
        assert Nano(str(nano_folder), lora=lora).copies
    assert not Nano(str(nano_folder), lora=Lora(merge=False)).copies


@pytest.mark.parametrize("other", [{"dora": True}, {"quantize": "nf4"}])
def test_what_cannot_be_merged_is_refused(other):
    with pytest.raises(ConfigError, match=next(iter(other))):
        Lora(merge=True, **other)
