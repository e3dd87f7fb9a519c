"""The figures of docs/hardware.md are parameters times bytes; both are computed again here."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import (
    Qwen2_5OmniThinkerConfig,
    Qwen2_5OmniThinkerForConditionalGeneration,
    Qwen2AudioConfig,
    Qwen2AudioForConditionalGeneration,
)

from tools.plan import memory, recipe_of

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "hardware.md").read_text(encoding="utf-8")
CONFIGS = ROOT / "configs" / "experiments"
RANK = 16
WHISPER = {
    "d_model": 1280,
    "encoder_layers": 32,
    "encoder_attention_heads": 20,
    "encoder_ffn_dim": 5120,
    "num_mel_bins": 128,
    "max_source_positions": 1500,
}


def qwen2_audio():
    text = {
        "model_type": "qwen2",
        "hidden_size": 4096,
        "intermediate_size": 11008,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 32,
        "vocab_size": 156032,
    }
    config = Qwen2AudioConfig(audio_config=WHISPER, text_config=text)
    with torch.device("meta"):
        return Qwen2AudioForConditionalGeneration(config)


def omni():
    text = {
        "hidden_size": 3584,
        "intermediate_size": 18944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "vocab_size": 152064,
        "tie_word_embeddings": False,
    }
    eyes = {
        "depth": 32,
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "num_heads": 16,
        "out_hidden_size": 3584,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
    }
    config = Qwen2_5OmniThinkerConfig(
        audio_config={**WHISPER, "output_dim": 3584},
        vision_config=eyes,
        text_config=text,
        tie_word_embeddings=False,
    )
    with torch.device("meta"):
        return Qwen2_5OmniThinkerForConditionalGeneration(config)


@pytest.fixture(scope="module")
def models():
    return {"Qwen2-Audio-7B": qwen2_audio(), "Qwen2.5-Omni-7B, thinker": omni()}


def weights(model):
    return sum(weight.numel() for weight in model.parameters())


def in_adapters(model):
    spoken = getattr(
        model.model, "language_model", model.model
    )  # transformers 5.17: a thinker's own
    layers = [m for m in spoken.modules() if isinstance(m, nn.Linear)]
    return sum(RANK * (layer.in_features + layer.out_features) for layer in layers)


def rows():
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 8 and cells[1].startswith("Qwen"):
            yield cells


def files(names):
    """Return the configs that a cell names."""
    for name in re.findall(r"`([^`]+)`", names):
        head, choice, tail = re.fullmatch(r"([^{]*)(?:\{(.*)\}(.*))?", name).groups()
        for middle in (choice or "").split(","):
            yield CONFIGS / f"{head}{middle}{tail or ''}.yaml"


def test_the_parameters(models):
    audio, thinker = models.values()
    assert f"{weights(audio) / 1e9:.3f} billion parameters (Qwen2-Audio-7B)" in PAGE
    assert f"{weights(thinker) / 1e9:.3f} billion (thinker" in PAGE
    shares = [f"{in_adapters(model) / 1e6:.1f}" for model in (audio, thinker)]
    assert f"{shares[0]} and {shares[1]} million parameters in adapters" in PAGE


def test_the_table(models):
    found = list(rows())
    assert len(found) == 6
    for names, model, trains, *shown in found:
        whole = weights(models[model])
        trained = in_adapters(models[model]) if trains == "adapters" else whole
        base = 2 * whole if trains == "adapters" else 0
        reference = 4 * trained if names.count("grpo") else 0
        parts = [base + 4 * trained, reference, 4 * trained, 8 * trained]
        computed = [part / 1e9 for part in (*parts, sum(parts))]
        assert [float(each) for each in shown] == pytest.approx(computed, rel=0.005, abs=0.051)


def test_the_table_says_what_the_configs_do():
    named = [(path, cells[2]) for cells in rows() for path in files(cells[0])]
    assert len(named) == 12
    for path, trains in named:
        text = path.read_text(encoding="utf-8")
        policy = next(line for line in text.splitlines() if line.strip().startswith("policy:"))
        if "policies/" in policy:
            policy = (ROOT / "configs/policies/qwen2_audio.yaml").read_text(encoding="utf-8")
        assert ("dtype: bfloat16" in policy) is (trains == "adapters"), path


def test_an_eighth_and_a_token(models):
    whole = weights(models["Qwen2-Audio-7B"])
    assert f"1/8: {round(20 * whole / 8e9)} GB with a reference, {round(2 * whole / 1e9)}" in PAGE
    sizes = [2 * 32 * 32 * 128 * 2, 2 * 28 * 4 * 128 * 2]
    assert f"{sizes[0] / 1e6:.2f} MB in Qwen2-Audio-7B and\n  {sizes[1] / 1e6:.2f} MB" in PAGE
    caches = [f"{32 * 400 * size / 1e9:.1f} GB" for size in sizes]
    assert f"this is {caches[0]}, or {caches[1]}" in PAGE


def test_what_a_plan_computes():
    flat = " ".join(PAGE.split())

    def need(name, gpus=1):
        recipe = replace(recipe_of(CONFIGS / f"{name}.yaml"), gpus=gpus, sharded=gpus > 1)
        return f"{sum(memory(recipe).values()) / 1e9:.0f}"

    full, adapted = need("emo_rl/meld/grpo", 8), need("affectgpt_rl/qwen2_audio/grpo")
    assert f"Computed so, it is {full} GB a GPU for all weights on eight GPUs" in flat
    assert f"and {adapted} GB for adapters" in flat
    assert f"| {full} and {adapted} GB | `tools/plan.py`" in flat
    plain, rated = (
        " and ".join(need(f"{name}/{stage}") for stage in ("sft", "grpo"))
        for name in ("qwen2_audio", "ratings")
    )
    assert f"they take {plain} GB (computed)" in flat
    assert f"`ratings/*` take {rated} GB (computed)" in flat
