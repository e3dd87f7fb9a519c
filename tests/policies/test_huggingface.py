"""What every policy promises: it hears, and padding, neighbors and adapters change nothing else."""

from dataclasses import replace

import peft
import pytest
import torch
from transformers import AutoModelForMultimodalLM

from emolit.engine.prefix import prefill
from emolit.engine.scoring.logprobs import packed_logprobs, plain_logprobs, shared_logprobs
from emolit.engine.weights.adapters import Lora
from emolit.errors import PolicyError
from emolit.policies.huggingface import HuggingFace
from emolit.policies.nano import Nano
from emolit.rl.functional import unpack, warp
from emolit.types import Sampling
from tests.conftest import part

SAMPLING = Sampling(max_tokens=6)


def built(folder, reference=False, **settings):
    policy = Nano(str(folder), **settings)
    policy.build(reference, seed=0)
    return policy


@pytest.fixture
def policy(nano_folder):
    return built(nano_folder)


def moved(policy, size=0.05):
    """Nudge what trains, as an optimizer would."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in policy.parameters():
            if weight.requires_grad:
                weight += size * torch.randn(weight.shape, generator=generator)


def test_swapping_a_clips_audio_changes_its_log_probabilities_in_the_loss(policy, batch):
    rollout = policy.sample(batch, 2, SAMPLING, seed=0, step=0)
    before = policy.logprobs(rollout)
    swapped = replace(
        batch, waveforms=batch.waveforms[:3] + batch.waveforms[:1] + batch.waveforms[4:]
    )
    after = policy.logprobs(replace(rollout, batch=swapped))
    assert (before[3] - after[3]).abs().max() > 1e-4
    torch.testing.assert_close(after[:3], before[:3], atol=1e-5, rtol=0)


def test_gradients_reach_the_audio_tower(policy, batch):
    policy.logprobs(policy.encode_targets(batch)).sum().backward()
    tower = policy.base.model.audio_tower
    assert tower.conv1.weight.grad.abs().max() > 0


@pytest.mark.parametrize("group", [1, 3])
@pytest.mark.parametrize("way", ["kept", "shared", "packed", "checkpointed"])
@pytest.mark.parametrize("sampling", ["plain", "top_p"])
def test_every_way_scores_like_whole_rows_in_value_and_gradient(
    nano_folder, batch, group, way, sampling
):
    policy = built(nano_folder, gradient_checkpointing=way == "checkpointed")
    drawn = SAMPLING if sampling == "plain" else replace(SAMPLING, top_p=0.8, temperature=0.7)
    rollout = policy.sample(batch, group, drawn, seed=0, step=0)
    ways = {
        "kept": lambda model, _: policy.logprobs(rollout),
        "shared": lambda model, encoded: shared_logprobs(model, prefill(model, encoded), rollout),
        "packed": lambda model, encoded: packed_logprobs(model, encoded, rollout),
        "checkpointed": lambda model, _: policy.logprobs(rollout),
        "plain": lambda model, _: plain_logprobs(model, policy.encode(batch, group), rollout),
    }
    results = []
    for score in (ways[way], ways["plain"]):
        policy.zero_grad()
        logprobs = score(policy.language_model(), policy.encode(batch))
        (logprobs * torch.arange(logprobs.numel()).view(logprobs.shape)).sum().backward()
        results.append(
            (logprobs.detach(), [w.grad.clone() for w in policy.parameters() if w.grad is not None])
        )
    (shared, shared_grad), (plain, plain_grad) = results
    torch.testing.assert_close(shared, plain, atol=1e-5, rtol=0)
    for one, other in zip(shared_grad, plain_grad, strict=True):
        assert (one - other).norm() <= 1e-4 * other.norm() + 1e-6


def test_a_batch_scores_and_samples_like_its_clips_one_by_one(policy, batch):
    together = policy.sample(batch, 3, SAMPLING, seed=0, step=0)
    logprobs = policy.logprobs(together)
    for i in range(len(batch)):
        alone = policy.sample(part(batch, slice(i, i + 1)), 3, SAMPLING, seed=0, step=0)
        assert alone.responses[0] == together.responses[i]
        length = alone.tokens.shape[2]
        torch.testing.assert_close(
            policy.logprobs(alone)[0], logprobs[i, :, :length], atol=1e-5, rtol=0
        )


def test_the_order_of_clips_changes_nothing(policy, batch):
    turned = part(batch, slice(None, None, -1))
    one, other = (policy.sample(b, 2, SAMPLING, seed=0, step=0) for b in (batch, turned))
    assert one.responses == other.responses[::-1]


def test_behavior_is_what_scoring_says_so_the_first_ratio_is_one(policy, batch):
    for sampling in (
        SAMPLING,
        replace(SAMPLING, temperature=0.7),
        replace(SAMPLING, top_k=20),
        replace(SAMPLING, top_p=0.8),
    ):
        rollout = policy.sample(batch, 4, sampling, seed=0, step=0)
        difference = (policy.logprobs(rollout) - rollout.behavior)[rollout.mask]
        assert difference.abs().max() < 1e-4


def test_training_mode_is_refused_so_dropout_stays_off(policy, batch):
    policy.train()
    assert not any(module.training for module in policy.modules())


def test_placeholders_are_never_sampled_even_when_most_likely(policy, batch):
    with torch.no_grad():
        policy.language_model().head.weight[policy.forbidden] = (
            100 * policy.language_model().head.weight.norm(dim=1).max()
        )
        policy.language_model().head.weight[
            policy.forbidden[::2]
        ] *= -1  # of both signs, so that some always win
    rollout = policy.sample(batch, 8, SAMPLING, seed=0, step=0)
    assert not torch.isin(rollout.tokens[rollout.mask], policy.forbidden).any()
    placeholder = policy.processor.tokenizer.convert_tokens_to_ids("<|AUDIO|>")
    assert placeholder in policy.forbidden
    torch.testing.assert_close(
        policy.logprobs(rollout)[rollout.mask], rollout.behavior[rollout.mask], atol=1e-4, rtol=0
    )


def test_every_tensor_of_the_processor_is_consumed_or_named(policy, batch, monkeypatch):
    whole = policy.process

    def with_extra(texts, waveforms, rate):
        return {**whole(texts, waveforms, rate), "pixel_values": torch.zeros(1)}

    monkeypatch.setattr(policy, "process", with_extra)
    with pytest.raises(PolicyError, match="pixel_values"):
        policy.encode(batch)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_any_number_of_prompts_runs(policy, batch, rows):
    rollout = policy.sample(part(batch, slice(rows)), 2, SAMPLING, seed=0, step=0)
    assert rollout.tokens.shape[:2] == (rows, 2)


def test_a_prompt_longer_than_the_context_is_refused(policy, batch):
    policy.base.config.get_text_config().max_position_embeddings = 60
    with pytest.raises(PolicyError, match=r"A prompt has \d+ tokens, but the context .* is 60"):
        policy.encode(batch)


def test_a_response_that_may_end_beyond_the_context_is_refused(policy, batch):
    """The longest prompt and what is drawn, or told, fill the context to the last token or not."""
    longest = int(policy.encode(batch).mask.sum(-1).max())
    text = policy.base.config.get_text_config()
    text.max_position_embeddings = longest + 6
    policy.sample(batch, 2, SAMPLING, seed=0, step=0)
    with pytest.raises(PolicyError, match=rf"'clip4' .* has {longest} tokens and .* up to 7, but"):
        policy.sample(batch, 2, replace(SAMPLING, max_tokens=7), seed=0, step=0)
    imitated = int(policy.encode_targets(batch).mask[4].sum())
    text.max_position_embeddings = longest + imitated
    policy.encode_targets(batch)
    policy.encode_responses(batch, (("a",),) * 5, SAMPLING)
    text.max_position_embeddings -= 1
    with pytest.raises(PolicyError, match=r"lower `sampling.max_tokens`, or shorten the target"):
        policy.encode_targets(batch)
    with pytest.raises(PolicyError, match=r"'clip4' of 'toy' has \d+ tokens"):
        policy.encode_responses(batch, ((batch.targets[4],),) * 5, replace(SAMPLING, stop=()))


def test_a_completion_that_never_ends_is_cut_and_counts_as_unfinished(policy, batch):
    policy.ends = policy.ends[:0]
    rollout = policy.sample(batch, 2, Sampling(max_tokens=5, stop=()), seed=0, step=0)
    assert rollout.mask.all()
    assert rollout.tokens.shape[2] == 5
    assert not rollout.finished.any()


@pytest.mark.parametrize("settings", [{"top_p": 0.6}, {"top_k": 3}])
def test_truncated_sampling_scores_every_policy_over_the_same_tokens(nano_folder, batch, settings):
    """The reference's own nucleus may not hold the token that the policy drew."""
    policy = built(nano_folder, reference=True)
    moved(policy, size=0.3)
    rollout = policy.sample(batch, 4, replace(SAMPLING, **settings), seed=0, step=0)
    assert rollout.support is not None
    kept = unpack(rollout.support, policy.base.get_input_embeddings().num_embeddings)
    sizes = kept.sum(-1)[rollout.mask]
    assert sizes.max() <= settings.get("top_k", 10**6)
    assert kept.gather(-1, rollout.tokens.unsqueeze(-1))[rollout.mask].all()
    reference = policy.reference_logprobs(rollout)
    assert reference[rollout.mask].isfinite().all()
    assert (reference - rollout.behavior)[rollout.mask].abs().max() > 0.1
    alone = replace(rollout, support=None)
    assert (policy.reference_logprobs(alone) <= reference + 1e-6).all()


def test_the_entropy_is_that_of_the_distribution_drawn_from(policy, batch):
    rollout = policy.sample(batch, 2, SAMPLING, seed=0, step=0)
    model, encoded = policy.language_model(), policy.encode(batch)
    logits = warp(model.logits(prefill(model, encoded).last), policy.forbidden, 1.0)
    expected = torch.distributions.Categorical(logits=logits).entropy()
    torch.testing.assert_close(rollout.entropy[:, 0, 0], expected, atol=1e-4, rtol=0)


# --- the reference -----------------------------------------------------------------------------


LORA = Lora(rank=4, alpha=8, train=["multi_modal_projector"])


@pytest.fixture(params=["fresh adapter", "trained adapter", "full training"])
def pair(request, nano_folder, tmp_path):
    """A policy with its reference, in each of the three cases."""
    if request.param == "full training":
        return built(nano_folder, reference=True, freeze=["audio_tower"])
    first = built(nano_folder, reference=True, lora=LORA)
    if request.param == "fresh adapter":
        return first
    moved(first)
    first.save(tmp_path / "adapter")
    return built(tmp_path / "adapter", reference=True)


def test_the_reference_starts_as_the_policy_exactly(pair, batch):
    rollout = pair.sample(batch, 2, SAMPLING, seed=0, step=0)
    assert torch.equal(pair.reference_logprobs(rollout), pair.logprobs(rollout).detach())


def test_the_reference_stays_where_it_was_when_the_policy_moves(pair, batch):
    rollout = pair.sample(batch, 2, SAMPLING, seed=0, step=0)
    given = pair.reference_logprobs(rollout)
    trains = {name for name, weight in pair.named_parameters() if weight.requires_grad}
    moved(pair)
    torch.testing.assert_close(pair.reference_logprobs(rollout), given, atol=0, rtol=0)
    assert (pair.logprobs(rollout) - given).abs().max() > 1e-3
    assert {name for name, weight in pair.named_parameters() if weight.requires_grad} == trains
    pair.logprobs(rollout).sum().backward()
    got = {name for name, weight in pair.named_parameters() if weight.grad is not None}
    assert got == trains


def test_without_a_reference_asking_for_it_is_an_error(policy, batch):
    with pytest.raises(PolicyError, match="without a reference"):
        policy.reference_logprobs(policy.encode_targets(batch))


# --- folders -----------------------------------------------------------------------------------


@pytest.fixture
def whole_window(monkeypatch):
    """Prompts as transformers alone wants them: with all the padding of the tower's window."""
    monkeypatch.setattr("emolit.policies.qwen2_audio.crop", lambda *given: given)


def test_a_peft_folder_opens_in_peft_and_says_the_same(nano_folder, tmp_path, batch, whole_window):
    policy = built(nano_folder, lora=LORA)
    moved(policy)
    policy.save(tmp_path / "adapter")
    names = {path.name for path in (tmp_path / "adapter").iterdir()}
    assert "adapter_model.safetensors" in names
    assert "README.md" not in names  # peft's says "More Information Needed" forty times
    assert not any(name.endswith((".bin", ".pt", ".pkl")) for name in names)
    base = AutoModelForMultimodalLM.from_pretrained(nano_folder)
    opened = peft.PeftModel.from_pretrained(base, tmp_path / "adapter").eval()
    inputs = policy.encode(batch).inputs
    expected = policy.base(**inputs).logits
    torch.testing.assert_close(opened(**inputs).logits, expected, atol=1e-5, rtol=1e-5)
    again = built(tmp_path / "adapter")
    torch.testing.assert_close(again.base(**inputs).logits, expected, atol=1e-5, rtol=1e-5)


def test_a_full_folder_opens_in_transformers_and_says_the_same(
    nano_folder, tmp_path, batch, whole_window
):
    policy = built(nano_folder, reference=True)
    moved(policy)
    policy.save(tmp_path / "whole")
    opened = AutoModelForMultimodalLM.from_pretrained(tmp_path / "whole")
    inputs = policy.encode(batch).inputs
    torch.testing.assert_close(opened(**inputs).logits, policy.base(**inputs).logits)


def test_the_generic_policy_loads_the_same_folder(nano_folder, policy, batch):
    generic = HuggingFace(str(nano_folder))
    generic.build(reference=False, seed=0)
    rollout = policy.encode_targets(batch)
    torch.testing.assert_close(generic.logprobs(rollout), policy.logprobs(rollout))


def test_an_adapter_whose_settings_are_contradicted_is_refused(nano_folder, tmp_path):
    built(nano_folder, lora=LORA).save(tmp_path / "adapter")
    built(tmp_path / "adapter", lora=LORA)
    with pytest.raises(PolicyError, match="'rank': 4"):
        built(tmp_path / "adapter", lora=replace(LORA, rank=8))


@pytest.mark.parametrize("kind", ["missing", "unexpected"])
def test_weights_that_do_not_fit_are_an_error_not_a_random_start(nano_folder, tmp_path, kind):
    import shutil

    from safetensors.torch import load_file, save_file

    folder = tmp_path / "broken"
    shutil.copytree(nano_folder, folder)
    state = load_file(folder / "model.safetensors")
    name = next(name for name in state if "multi_modal_projector" in name and "weight" in name)
    weight = state.pop(name) if kind == "missing" else state[name]
    if kind == "unexpected":
        state["model.second_ear.weight"] = weight.clone()
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(PolicyError, match=rf"1 {kind} keys, such as .* under transformers \d"):
        built(folder)


def test_a_folder_without_processor_is_an_error(nano_folder, tmp_path):
    import shutil

    folder = tmp_path / "bare"
    folder.mkdir()
    for name in ("config.json", "model.safetensors", "generation_config.json"):
        shutil.copy(nano_folder / name, folder)
    with pytest.raises(PolicyError, match="No processor loads"):
        built(folder)
