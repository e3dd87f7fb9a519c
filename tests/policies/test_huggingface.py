"""What every policy promises: it hears, and padding, neighbors and adapters change nothing else."""

from dataclasses import replace

import peft
import pytest
import torch
from transformers import AutoModelForMultimodalLM

from emolit.engine.scoring import plain_logprobs, shared_logprobs
from emolit.errors import PolicyError
from emolit.policies.huggingface import HuggingFace, Lora
from emolit.policies.nano import Nano
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
    policy.logprobs(policy.imitate(batch)).sum().backward()
    tower = policy.base.model.audio_tower
    assert tower.conv1.weight.grad.abs().max() > 0


@pytest.mark.parametrize("group", [1, 3])
def test_a_shared_prefix_scores_like_whole_rows_in_value_and_gradient(policy, batch, group):
    rollout = policy.sample(batch, group, SAMPLING, seed=0, step=0)
    results = []
    for score in (shared_logprobs, plain_logprobs):
        policy.zero_grad()
        logprobs = score(
            policy.base, policy.head, policy.encode(batch),
            rollout.tokens, rollout.mask, rollout.sampling, policy.forbidden,
        )  # fmt: skip
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
        policy.head.weight[policy.forbidden] = 100 * policy.head.weight.norm(dim=1).max()
        policy.head.weight[policy.forbidden[::2]] *= -1  # of both signs, so that some always win
    rollout = policy.sample(batch, 8, SAMPLING, seed=0, step=0)
    assert not torch.isin(rollout.tokens[rollout.mask], policy.forbidden).any()
    placeholder = policy.processor.tokenizer.convert_tokens_to_ids("<|AUDIO|>")
    assert placeholder in policy.forbidden
    torch.testing.assert_close(
        policy.logprobs(rollout)[rollout.mask], rollout.behavior[rollout.mask], atol=1e-4, rtol=0
    )


def test_a_stop_string_ends_a_response_and_stays_in_it(policy, batch):
    tokens = policy.imitate(batch).tokens[:, 0]
    stopped = policy._stopped(tokens[:, :3], ("</answer>",))
    assert policy.processor.tokenizer.decode(tokens[0, :3]).endswith("</answer>")
    assert stopped.all()
    assert not policy._stopped(tokens[:, :2], ("</answer>",)).any()


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


def test_a_very_short_clip_is_heard(policy, batch):
    short = replace(part(batch, slice(1)), waveforms=(torch.ones(1),))
    assert policy.logprobs(policy.imitate(short)).isfinite().all()


def test_audio_at_another_rate_is_resampled(policy, batch):
    time = torch.arange(16_000) / 16_000
    low = torch.sin(2 * torch.pi * 300 * time[::2])
    high = torch.sin(2 * torch.pi * 300 * time)
    one = part(batch, slice(1))
    encoded = [
        policy.encode(replace(one, waveforms=(low,), sampling_rate=8_000)),
        policy.encode(replace(one, waveforms=(high,))),
    ]
    difference = encoded[0]["input_features"] - encoded[1]["input_features"]
    assert difference.abs().median() < 0.05


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
        policy.reference_logprobs(policy.imitate(batch))


# --- folders -----------------------------------------------------------------------------------


def test_a_peft_folder_opens_in_peft_and_says_the_same(nano_folder, tmp_path, batch):
    policy = built(nano_folder, lora=LORA)
    moved(policy)
    policy.save(tmp_path / "adapter")
    names = {path.name for path in (tmp_path / "adapter").iterdir()}
    assert "adapter_model.safetensors" in names
    assert not any(name.endswith((".bin", ".pt", ".pkl")) for name in names)
    base = AutoModelForMultimodalLM.from_pretrained(nano_folder)
    opened = peft.PeftModel.from_pretrained(base, tmp_path / "adapter").eval()
    inputs = policy.encode(batch)
    expected = policy.base(**inputs).logits
    torch.testing.assert_close(opened(**inputs).logits, expected, atol=1e-5, rtol=1e-5)
    again = built(tmp_path / "adapter")
    torch.testing.assert_close(again.base(**inputs).logits, expected, atol=1e-5, rtol=1e-5)


def test_a_full_folder_opens_in_transformers_and_says_the_same(nano_folder, tmp_path, batch):
    policy = built(nano_folder, reference=True)
    moved(policy)
    policy.save(tmp_path / "whole")
    opened = AutoModelForMultimodalLM.from_pretrained(tmp_path / "whole")
    inputs = policy.encode(batch)
    torch.testing.assert_close(opened(**inputs).logits, policy.base(**inputs).logits)


def test_the_generic_policy_loads_the_same_folder(nano_folder, policy, batch):
    generic = HuggingFace(str(nano_folder))
    generic.build(reference=False, seed=0)
    rollout = policy.imitate(batch)
    torch.testing.assert_close(generic.logprobs(rollout), policy.logprobs(rollout))


def test_an_adapter_whose_settings_are_contradicted_is_refused(nano_folder, tmp_path):
    built(nano_folder, lora=LORA).save(tmp_path / "adapter")
    built(tmp_path / "adapter", lora=LORA)
    with pytest.raises(PolicyError, match="'r': 4"):
        built(tmp_path / "adapter", lora=replace(LORA, rank=8))


def test_frozen_modules_do_not_train_and_unknown_names_are_listed(nano_folder):
    policy = built(nano_folder, freeze=["audio_tower"])
    trains = {name for name, weight in policy.named_parameters() if weight.requires_grad}
    assert trains
    assert not any("audio_tower" in name for name in trains)
    with pytest.raises(PolicyError, match=r"'towr'.*model.audio_tower"):
        built(nano_folder, freeze=["towr"])


def test_missing_weights_are_an_error_not_a_random_start(nano_folder, tmp_path):
    import shutil

    from safetensors.torch import load_file, save_file

    folder = tmp_path / "broken"
    shutil.copytree(nano_folder, folder)
    state = load_file(folder / "model.safetensors")
    del state[next(name for name in state if "multi_modal_projector" in name and "weight" in name)]
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(PolicyError, match="missing keys"):
        built(folder)


def test_a_folder_without_processor_is_an_error(nano_folder, tmp_path):
    import shutil

    folder = tmp_path / "bare"
    folder.mkdir()
    for name in ("config.json", "model.safetensors", "generation_config.json"):
        shutil.copy(nano_folder / name, folder)
    with pytest.raises(PolicyError, match="No processor loads"):
        built(folder)


def test_a_clip_without_target_cannot_be_imitated(policy, batch):
    with pytest.raises(PolicyError, match="'clip0' of 'toy' has no target"):
        policy.imitate(replace(batch, targets=(None, *batch.targets[1:])))
