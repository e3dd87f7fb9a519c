"""docs/models.md lists what transformers has that hears and reads, and each row is true."""

import inspect
import re
from importlib import import_module, resources
from pathlib import Path

import pytest
import torch
import transformers
from transformers.models.auto import modeling_auto
from transformers.models.auto.configuration_auto import model_type_to_module_name

from emolit.engine.layers import SHARED, kinds
from emolit.policies.huggingface import HuggingFace
from emolit.types import Sampling
from tests.conftest import LOCK, is_locked, part
from tests.fakes import audio_models

PAGE = Path(__file__).parents[2] / "docs/models.md"
REGISTRIES = (
    modeling_auto.MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES,
    modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
)
SAMPLING = Sampling(max_tokens=5, stop=())


def rows() -> dict[str, tuple[str, str]]:
    """Return policy and reason of each model type on the page."""
    found = re.findall(r"^\| `(\w+)` \| (.+?) \| (.*)\|$", PAGE.read_text("utf-8"), re.MULTILINE)
    return {kind: (policy.strip("`"), why) for kind, policy, why in found}


ROWS = rows()


def generic() -> list[str]:
    return [kind for kind, (policy, _) in ROWS.items() if policy == "HuggingFace"]


def refused() -> list[str]:
    return [kind for kind, (_, why) in ROWS.items() if why.startswith("layers of the kind")]


def hears_and_reads(kind: str) -> bool:
    """Tell whether the source of a type says that one of its networks takes audio and text.

    To import all networks would take half a minute.
    """
    module = model_type_to_module_name(kind)
    folder = resources.files("transformers").joinpath("models", module)
    source = folder.joinpath(f"modeling_{module}.py")
    if not source.is_file():
        return False
    said = re.findall(r"input_modalities = \((.+?)\)", source.read_text("utf-8"))
    return any('"audio"' in each and '"text"' in each for each in said)


def test_every_model_that_hears_and_reads_has_a_row():
    known = {kind for registry in REGISTRIES for kind in registry if hears_and_reads(kind)}
    network = transformers.Qwen2AudioForConditionalGeneration
    assert set(network.input_modalities) == {"audio", "text"}, "what the source is searched for"
    assert "qwen2_audio" in known
    missing = sorted(known - set(ROWS))
    assert not missing, (
        f"transformers {transformers.__version__} has models that hear, and docs/models.md does "
        f"not list them: {missing}. Write tiny ones in tests/fakes/audio_models.py, try "
        "`HuggingFace` on them, and add a row each; one that was not tried says so."
    )
    if is_locked(LOCK.read_text("utf-8")):
        assert set(ROWS) <= known


def test_policies_that_the_page_names_are_on_the_shelf():
    configs = PAGE.parents[1].glob("configs/policies/*.yaml")
    shelf = {re.search(r"class_path: (\w+)", path.read_text("utf-8")).group(1) for path in configs}
    assert {policy for policy, _ in ROWS.values()} <= shelf | {"no"}
    assert len(generic()) >= 3


def own_logprobs(policy, one, tokens):
    """Score tokens by the model's own forward pass on one prompt, unpadded. ``[T]``"""
    inputs = dict(policy.encode(one).inputs)
    prompt = inputs["input_ids"]
    inputs["input_ids"] = torch.cat([prompt, tokens.unsqueeze(0)], dim=1)
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    with torch.no_grad():
        logits = policy.base(**inputs).logits[0, prompt.shape[1] - 1 : -1]
    logits[:, policy.forbidden] = -torch.inf
    return logits.log_softmax(-1).gather(1, tokens.unsqueeze(1)).squeeze(1)


@pytest.mark.parametrize("kind", generic())
def test_the_generic_policy_samples_scores_and_trains(kind, tmp_path, batch):
    policy = HuggingFace(str(audio_models.write(kind, tmp_path)))
    policy.build(reference=False, seed=0)
    rollout = policy.sample(batch, 2, SAMPLING, seed=0, step=0)
    scored = policy.logprobs(rollout)
    assert (scored - rollout.behavior)[rollout.mask].abs().max() < 1e-4
    for clip in range(len(batch)):
        one = part(batch, slice(clip, clip + 1))
        for row in range(2):
            there = rollout.mask[clip, row]
            expected = own_logprobs(policy, one, rollout.tokens[clip, row][there])
            torch.testing.assert_close(scored[clip, row][there], expected, atol=1e-5, rtol=0)
    told = policy.encode_targets(batch)
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
    losses = []
    for _ in range(3):
        loss = -policy.logprobs(told).sum() / told.mask.sum()
        optimizer.zero_grad()
        loss.backward()
        assert all(weight.grad is not None for weight in policy.parameters())
        optimizer.step()
        losses.append(loss.item())
    assert losses[2] < losses[1] < losses[0]


@pytest.mark.parametrize("kind", refused())
def test_refused_models_have_the_layers_that_the_page_says(kind):
    if kind not in transformers.CONFIG_MAPPING:
        pytest.skip(f"transformers {transformers.__version__} has no {kind}")
    named = re.search(r"kind `(\w+)`", ROWS[kind][1]).group(1)
    assert named in kinds(transformers.CONFIG_MAPPING[kind]()) - SHARED


@pytest.mark.parametrize("kind", ["seamless_m4t", "seamless_m4t_v2"])
def test_translators_have_an_encoder_before_their_replies(kind):
    policy, why = ROWS[kind]
    assert policy == "no"
    assert why.startswith("a translator")
    assert transformers.CONFIG_MAPPING[kind]().is_encoder_decoder


@pytest.mark.parametrize(
    ("kind", "prefix"),
    [("kyutai_speech_to_text", "KyutaiSpeechToText"), ("voxtral_realtime", "VoxtralRealtime")],
)
def test_models_that_take_no_question_read_no_text(kind, prefix):
    assert ROWS[kind][1].startswith("takes no question")
    if kind not in transformers.CONFIG_MAPPING:
        pytest.skip(f"transformers {transformers.__version__} has no {kind}")
    processing = import_module(f"transformers.models.{kind}.processing_{kind}")
    processor = getattr(processing, f"{prefix}Processor")
    network = getattr(transformers, f"{prefix}ForConditionalGeneration")
    reads = "text" in inspect.signature(processor.__call__).parameters
    hears = {"input_features", "input_values"} & set(inspect.signature(network.forward).parameters)
    assert not (reads and hears)
