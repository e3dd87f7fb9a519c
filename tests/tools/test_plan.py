"""What a plan computes is what real tensors of small models take, and its advice fits."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.distributed.device_mesh import init_device_mesh
from torch.utils.checkpoint import checkpoint
from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen3MoeConfig, Qwen3MoeForCausalLM

from emolit.engine.weights.merging import sampled_merged
from emolit.engine.weights.sharding import gathered_once, shard
from tests.test_hardware_page import in_adapters, omni, qwen2_audio, weights
from tools.bench.decode import one_process
from tools.model_sizes import CARDS, MODELS, NF4, Model
from tools.plan import (
    BESIDE,
    KERNELS,
    SHARDED_KERNELS,
    Recipe,
    changes,
    fits,
    main,
    memory,
    seconds,
    verdict,
)

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs" / "experiments"
SIZE = {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "vocab_size": 100}
SIZE |= {"num_key_value_heads": 2, "max_position_embeddings": 512}
TINY = Model(64, 3, 4, 2, 96, 100, 0, head_width=16)


@pytest.fixture
def network():
    return Qwen2ForCausalLM(
        Qwen2Config(**SIZE, intermediate_size=96, tie_word_embeddings=False, use_cache=False)
    )


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(MODELS, "tiny", TINY)
    return Recipe(model="tiny", trains="full", prompts=2, group=3, prompt_tokens=10)


def taken(tensors):
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def test_parameters_are_those_of_transformers(network):
    assert TINY.parameters == weights(network)
    moe = {"moe_intermediate_size": 48, "num_experts": 8, "num_experts_per_tok": 2, "head_dim": 16}
    with torch.device("meta"):
        experts = Qwen3MoeForCausalLM(Qwen3MoeConfig(**SIZE, **moe, tie_word_embeddings=False))
    size = Model(64, 3, 4, 2, 48, 100, 0, 16, experts=8, active=2, biased=False, normed=True)
    assert size.parameters == weights(experts)


@pytest.mark.parametrize(("name", "build"), [("qwen2_audio", qwen2_audio), ("qwen25_omni", omni)])
def test_the_large_models_have_the_sizes_of_the_page_on_hardware(name, build):
    model = build()
    assert MODELS[name].parameters == pytest.approx(weights(model), rel=2e-4)
    assert MODELS[name].adapters(16) == in_adapters(model)


def test_the_published_names_are_the_sizes():
    billions = {name: model.parameters / 1e9 for name, model in MODELS.items()}
    assert 3 < billions["qwen25_omni_3b"] - MODELS["qwen25_omni_3b"].rest / 1e9 < 3.5
    assert 30 < billions["qwen3_omni_30b"] < 33
    assert 2.5e9 < MODELS["qwen3_omni_30b"].read < 3.5e9  # A3B


def test_gradients_and_moments_are_what_a_step_leaves(network, tiny):
    optimizer = torch.optim.AdamW(network.parameters())
    network(torch.ones(1, 4, dtype=torch.long)).logits.sum().backward()
    optimizer.step()
    moments = [
        state[name] for state in optimizer.state.values() for name in ("exp_avg", "exp_avg_sq")
    ]
    parts = memory(tiny)
    assert parts["weights"] == taken(network.parameters())
    assert parts["gradients"] == taken(p.grad for p in network.parameters())
    assert parts["AdamW"] == taken(moments)


def test_the_cache_is_that_of_a_rollout(network, tiny):
    recipe = replace(tiny, response_tokens=7)
    found = network(torch.ones(recipe.rows, 17, dtype=torch.long), use_cache=True).past_key_values
    assert recipe.rows == 6
    held = taken(t for layer in found.layers for t in (layer.keys, layer.values))
    assert memory(recipe)["cache"] == held


def test_what_is_merged_is_a_copy_of_what_carries_adapters(network, tiny):
    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    model = get_peft_model(network.bfloat16(), LoraConfig(r=1, target_modules=targets))
    with sampled_merged(model):
        runs = [vars(part)["forward"] for part in model.modules() if "forward" in vars(part)]
        products = {id(run.func.__self__): run.func.__self__ for run in runs}
        held = taken(product.weight for product in products.values())
    assert (len(runs), len(products)) == (3 * 7, 3 * 4)
    adapted = replace(tiny, trains="lora")
    assert memory(adapted)["copied"] == pytest.approx(held, rel=0.03)  # less its adapters' rows
    assert memory(replace(adapted, group=0))["copied"] > 0  # its validations sample
    for other in ({"merge": False}, {"sharded": True}, {"trains": "qlora"}):
        assert memory(replace(adapted, **other))["copied"] == 0
    apart = replace(adapted, model="qwen2_audio", merge=False)
    assert seconds(apart)["rollout"] > 1.9 * seconds(replace(apart, merge=True))["rollout"]


def test_what_autocast_would_cast_is_copied(network, tiny):
    parts = nn.ModuleList([network.get_decoder(), network.get_output_embeddings()])
    with torch.autocast("cpu", torch.bfloat16), sampled_merged(parts):
        runs = [vars(part)["forward"] for part in network.modules() if "forward" in vars(part)]
        products = {id(run.func.__self__): run.func.__self__ for run in runs}
        assert taken(product.weight for product in products.values()) == memory(tiny)["copied"]
    assert memory(replace(tiny, sharded=True))["copied"] == 0


def test_where_merging_takes_too_much_it_is_left_out_first():
    assert " Take `lora.merge: false`: " in verdict(Recipe(card="l40s", prompts=5))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])  # gathered by FSDP2
def test_checkpointed_layers_keep_their_inputs(network, tiny, dtype):
    """Of each layer its input alone is kept; one layer at a time is computed again whole."""
    recipe, kept = replace(tiny, prompts=1, group=1, response_tokens=22), []
    network, recipe = network.to(dtype), replace(recipe, sharded=dtype == torch.bfloat16)
    hidden = torch.randn(1, recipe.tokens, 64, dtype=dtype, requires_grad=True)
    where = torch.arange(recipe.tokens)[None]
    rotary = network.model.rotary_emb(hidden, where)

    def run(layer, value):
        return layer(value, position_embeddings=rotary, position_ids=where)

    def pack(tensor):
        storage = tensor.untyped_storage()
        sizes[storage.data_ptr()] = storage.nbytes()
        kept.append(tensor)  # nothing is freed, so that no address is given away twice
        return tensor

    sizes, own = {}, {p.untyped_storage().data_ptr() for p in network.parameters()}
    shared = own | {tensor.untyped_storage().data_ptr() for tensor in rotary}
    with saved_tensors_hooks(pack, lambda tensor: tensor):
        value = hidden
        for layer in network.model.layers:
            value = checkpoint(run, layer, value, use_reentrant=False)
    held = sum(size for place, size in sizes.items() if place not in shared)
    assert held == 3 * recipe.tokens * 64 * dtype.itemsize
    sizes.clear()
    with saved_tensors_hooks(pack, lambda tensor: tensor):
        run(network.model.layers[0], hidden)
    inside = sum(size for place, size in sizes.items() if place not in shared)
    square, chunk = recipe.tokens**2 * dtype.itemsize, recipe.response_tokens * 100 * 14
    assert memory(recipe)["activations"] == pytest.approx(held + inside + square + chunk, rel=0.25)


def test_fsdp2_holds_what_the_plan_says(network, tiny, tmp_path):
    """Shards and gradients are float32; what is gathered, cached and handed on is bfloat16."""
    whole, states = replace(tiny, prompts=1, group=1, response_tokens=22), []
    recipe, axes = replace(whole, sharded=True), ("data_parallel", "tensor_parallel")
    with one_process(str(tmp_path)):
        mesh = init_device_mesh("cpu", (1, 1), mesh_dim_names=axes)
        shard(network, mesh, torch.bfloat16)
        for part in (network.model.embed_tokens, *network.model.layers[:-1]):
            part.register_forward_hook(lambda _, given, made: states.append(made))
        with gathered_once(network):
            found = network(torch.ones(1, recipe.tokens, dtype=torch.long), use_cache=True)
            gathered = taken(network.parameters())
        found.logits.sum().backward()
        shards = [weight.to_local() for weight in network.parameters()]
        gradients = [weight.grad.to_local() for weight in network.parameters()]
    cache = taken(t for layer in found.past_key_values.layers for t in (layer.keys, layer.values))
    parts, autocast = memory(recipe), memory(whole)
    assert parts["gathered"] == gathered == taken(shards) / 2
    assert (parts["weights"], parts["gradients"]) == (taken(shards), taken(gradients))
    assert parts["cache"] == cache
    assert len(states) == 3
    mask = recipe.tokens**2 * 2
    assert autocast["activations"] - parts["activations"] == taken(states) + mask


def test_kernels_are_those_that_the_page_on_performance_counts():
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    for row, kernels in (
        ("whole model, fp32, bf16-mixed", KERNELS["full"]),
        ("whole model, FSDP2", SHARDED_KERNELS["full"]),
        ("LoRA, bf16-mixed (merged by default)", KERNELS["lora"]),
        ("LoRA, bf16-mixed, `lora.merge: false`", BESIDE),
        ("LoRA, FSDP2", SHARDED_KERNELS["lora"]),
    ):
        assert f"| {row} | {32 * kernels:,.0f} |" in page


def test_a_gpu_sends_its_eighth_to_other_machines():
    """Machines repeat the shards, so each GPU has one to sum up with those that hold the same."""
    eight = Recipe(trains="full", gpus=8, sharded=True)
    weights = MODELS["qwen2_audio"].parameters
    more = seconds(replace(eight, gpus=64))["sent"] - seconds(eight)["sent"]
    assert more == pytest.approx(2 * 4 * weights / 8 / 50e9)
    assert seconds(eight)["sent"] == pytest.approx((2 * 2 + 4) * weights / 360e9)
    whole = replace(eight, trains="lora", gpus=64, sharded=False)
    assert seconds(whole)["sent"] == pytest.approx(8 * 39976960 * (1 / 50e9 + 1 / 360e9))


def test_four_bits_take_what_bitsandbytes_takes():
    functional = pytest.importorskip("bitsandbytes.functional")
    packed, state = functional.quantize_4bit(
        torch.randn(1024, 1024), compress_statistics=True, quant_type="nf4"
    )
    scales = [state.absmax, state.state2.absmax]
    assert taken([packed, *scales]) == pytest.approx(NF4 * 1024**2, rel=1e-3)


def test_eight_gpus_share_and_sixty_four_repeat():
    one = Recipe(trains="full", sharded=True)
    eight, many = replace(one, gpus=8), replace(one, gpus=64)
    assert memory(eight)["AdamW"] == memory(one)["AdamW"] / 8
    assert memory(many) == memory(eight)  # weights are shared out over one machine
    assert memory(replace(eight, prompts=4))["cache"] == 4 * memory(eight)["cache"]


def test_a_layer_at_a_time_takes_less_memory_and_more_time():
    whole = Recipe("qwen3_omni_30b", "full", gpus=8, sharded=True, card="h200", checkpointing=True)
    layered, model = replace(whole, gather="layer"), MODELS["qwen3_omni_30b"]
    saved = memory(whole)["gathered"] - memory(layered)["gathered"]
    others = (model.layers - 2) * model.layer() + model.width  # all layers but two, and a norm
    assert saved == pytest.approx(2 * others)
    more = seconds(layered)["rollout"] - seconds(whole)["rollout"]
    sent = 2 * model.layers * model.layer() * 7 / 8
    assert more == pytest.approx(whole.response_tokens * sent / 360e9)
    assert not fits(whole) and fits(layered)
    assert "Take `gather: layer` of the policy: " in verdict(whole)


def test_half_the_rollouts_take_half_the_time():
    """Reading the weights for a token takes as long for 12 rows as for 6, all but their cache."""
    recipe = Recipe(trains="full", group=6, response_tokens=512, prompts=1, accumulated=2)
    recipe = replace(recipe, gpus=8, sharded=True)
    whole = seconds(replace(recipe, prompts=2, accumulated=1))
    assert 0.5 <= whole["rollout"] / seconds(recipe)["rollout"] < 0.6
    assert whole["update"] == pytest.approx(seconds(recipe)["update"])


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("trains", ["full", "lora", "qlora"])
@pytest.mark.parametrize("model", MODELS)
def test_what_is_advised_fits(model, trains, card):
    recipe = Recipe(model, trains, prompts=8, card=card, checkpointing=False)
    said = verdict(recipe)
    if fits(recipe):
        assert said.startswith("It fits: ")
        return
    assert said.startswith("It does not fit: a GPU would hold ")
    cured = [text for text, changed in changes(recipe) if fits(changed)]
    assert f" Take {cured[0]}: " in said if cured else "No setting makes it fit" in said
    for _, changed in changes(recipe):
        assert changed.prompts * changed.accumulated == 8  # the same gradient


def test_the_sentence_names_what_is_too_large_and_what_to_change(capsys):
    config = str(CONFIGS / "emo_rl" / "meld" / "grpo.yaml")
    assert main(["--config", config]) == 0
    said = capsys.readouterr().out.splitlines()[-1]
    assert "most of it AdamW 67 and weights 34 GB. Take " in said
    assert "`--trainer configs/trainers/fsdp.yaml` on 8 GPUs" in said
    assert main(["--config", config, "--gpus", "8"]) == 0
    assert "It fits: " in capsys.readouterr().out
    assert main(["--config", str(CONFIGS / "demo/grpo.yaml"), "--model", "qwen2_audio"]) == 0


def test_fewer_gpus_than_a_machine_has_are_advised_where_they_are_enough():
    said = verdict(Recipe(trains="full", gpus=4))
    assert "Take `--trainer configs/trainers/fsdp.yaml` on 4 GPUs: " in said


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("--gpus 0", "--gpus is 0; it counts things"),
        ("--gpus 12", "12 GPUs are no whole machines of 8; take --gpus 8 or 16"),
        ("--gpus 8 --node 3", "8 GPUs are no whole machines of 3; take --gpus 6 or 9"),
        ("--trains lora --gather layer", "none are sharded; take --gather model, or --sharded"),
        ("--trains qlora --sharded", "take --no-sharded"),
        ("--trains qlora --no-merge", "--merge and --no-merge are of adapters"),
        ("--trains full --merge", "take --trains lora"),
        ("--table --card h200 --gpus 3", "--table has settings of its own; leave out --card, --gp"),
        ("--table --no-sharded", "leave out --sharded"),
    ],
)
def test_what_cannot_be_planned_is_refused(given, sentence, capsys):
    with pytest.raises(SystemExit):
        main(given.split())
    assert sentence in capsys.readouterr().err


def test_the_table_has_every_model(capsys):
    assert main(["--table"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 2 + 3 * len(MODELS)
    assert any("qwen3_omni_30b | full" in row and ": no" in row for row in rows)
