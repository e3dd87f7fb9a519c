"""What every policy promises, whatever its architecture; twin tests subclass `Contract`."""

from abc import ABC, abstractmethod
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from emolit.engine.prefix import prefill
from emolit.engine.scoring.logprobs import packed_logprobs, plain_logprobs, shared_logprobs
from emolit.engine.weights.adapters import Lora
from emolit.policies import Policy
from emolit.types import Batch, Clip, Sampling
from tests.conftest import part

SAMPLING = Sampling(max_tokens=5, stop=())
TONES = {"high": 2_000.0, "low": 200.0}


def graded(policy, logprobs):
    """Return the gradients of a score that weighs every token differently."""
    policy.zero_grad()
    (logprobs * torch.arange(logprobs.numel()).view(logprobs.shape).cos()).sum().backward()
    return {
        name: weight.grad.clone()
        for name, weight in policy.named_parameters()
        if weight.grad is not None
    }


def check_gradients(policy, batch):
    """Imitate once; no weight that trains may be left without a gradient."""
    policy.logprobs(policy.encode_targets(batch)).sum().backward()
    trains = {name for name, weight in policy.named_parameters() if weight.requires_grad}
    reached = {name for name, weight in policy.named_parameters() if weight.grad is not None}
    assert trains
    assert trains == reached


def branching(rollout, options):
    """Return replies that each begin like a response and then say other tokens of the rollout."""
    clips, group, length = rollout.tokens.shape
    draw = torch.Generator().manual_seed(0)
    said = rollout.mask.sum(-1)
    start = (torch.rand(clips, group, generator=draw) * said).long()
    start[0, 0] = 0
    tokens = torch.zeros(clips, group * options, length + 3, dtype=torch.long)
    mask = torch.zeros_like(tokens, dtype=torch.bool)
    known = rollout.tokens[rollout.mask]
    for b, row in ((b, row) for b in range(clips) for row in range(group * options)):
        begun = start[b, row // options]
        end = begun + 1 + row % 3
        tokens[b, row, :begun] = rollout.tokens[b, row // options, :begun]
        tokens[b, row, begun:end] = known[
            torch.randint(len(known), (int(end - begun),), generator=draw)
        ]
        mask[b, row, :end] = True
    told = replace(
        rollout,
        tokens=tokens,
        mask=mask,
        behavior=torch.zeros(tokens.shape),
        finished=torch.ones(tokens.shape[:2], dtype=torch.bool),
        responses=tuple(("",) * (group * options) for _ in range(clips)),
        entropy=None,
    )
    return told, start


def check_branches(policy, rollout):
    """Hold replies behind a beginning to whole ones, in value and gradient."""
    replies, start = branching(rollout, options=3)
    truth = Policy.branch_logprobs(policy, rollout, replies, start)  # each reply as a whole
    found = policy.branch_logprobs(rollout, replies, start)
    place = torch.arange(replies.tokens.shape[2])
    behind = replies.mask & (place >= start.repeat_interleave(3, dim=1).unsqueeze(-1))
    assert start.min() == 0 and behind.any(-1).all()
    torch.testing.assert_close(found[0], truth[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(found[1][behind], truth[1][behind], atol=1e-5, rtol=0)
    expected, told = (
        graded(policy, torch.cat([one.flatten(), other[behind]])) for one, other in (truth, found)
    )
    size = torch.stack([weight.norm() for weight in expected.values()]).norm()
    assert told.keys() == expected.keys()
    for key, weight in expected.items():
        assert (told[key] - weight).norm() <= 1e-4 * weight.norm() + 1e-6 * size, key


class Contract(ABC):
    """Checks of one architecture.

    Attributes:
        kind: The policy class.
        placeholders: Tokens that stand for audio and must never be sampled.
        tower: A part of the names of weights that adapters leave alone.
        steps: Of the short training.
    """

    kind: type
    placeholders: tuple[str, ...]
    tower = "audio_tower"
    steps = 40

    @classmethod
    @abstractmethod
    def write(cls, folder: Path) -> Path:
        """Write a tiny model with its processor."""

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, tmp_path_factory):
        return cls.write(tmp_path_factory.mktemp("tiny"))

    @classmethod
    def built(cls, folder, reference=False, **settings):
        policy = cls.kind(str(folder), **settings)
        policy.build(reference, seed=0)
        return policy

    @pytest.fixture(scope="class")
    @classmethod
    def policy(cls, folder):
        return cls.built(folder)

    def test_a_batch_scores_and_samples_like_its_clips_one_by_one(self, policy, batch):
        together = policy.sample(batch, 2, SAMPLING, seed=0, step=0)
        logprobs = policy.logprobs(together)
        assert len(set(policy.encode(batch).mask.sum(-1).tolist())) > 1
        for i in (0, 4):
            alone = policy.sample(part(batch, slice(i, i + 1)), 2, SAMPLING, seed=0, step=0)
            assert alone.responses[0] == together.responses[i]
            length = alone.tokens.shape[2]
            torch.testing.assert_close(
                policy.logprobs(alone)[0], logprobs[i, :, :length], atol=1e-5, rtol=0
            )

    def test_swapping_a_clips_audio_changes_its_own_log_probabilities_only(self, policy, batch):
        rollout = policy.sample(batch, 2, SAMPLING, seed=0, step=0)
        before = policy.logprobs(rollout)
        waveforms = list(batch.waveforms)
        waveforms[3] = waveforms[0]
        after = policy.logprobs(replace(rollout, batch=replace(batch, waveforms=tuple(waveforms))))
        assert (before[3] - after[3]).abs().max() > 1e-3
        others = [0, 1, 2, 4]
        torch.testing.assert_close(after[others], before[others], atol=1e-5, rtol=0)

    def test_every_way_scores_like_whole_rows_in_value_and_gradient(self, policy, batch):
        rollout = policy.sample(batch, 3, SAMPLING, seed=0, step=0)
        model, encoded = policy.language_model(), policy.encode(batch)
        truth = plain_logprobs(model, policy.encode(batch, 3), rollout)
        expected = graded(policy, truth)
        assert any(self.tower in name for name in expected)
        ways = {
            "kept": policy.logprobs(rollout),
            "shared": shared_logprobs(model, prefill(model, encoded), rollout),
            "packed": packed_logprobs(model, encoded, rollout),
        }
        for name, logprobs in ways.items():
            found = graded(policy, logprobs)
            torch.testing.assert_close(logprobs, truth, atol=1e-5, rtol=0, msg=name)
            assert set(found) == set(expected)
            size = torch.stack([weight.norm() for weight in expected.values()]).norm()
            for key, weight in expected.items():
                assert (found[key] - weight).norm() <= 1e-4 * weight.norm() + 1e-6 * size, key

    def test_replies_behind_a_beginning_score_like_whole_ones(self, policy, batch):
        check_branches(policy, policy.sample(batch, 2, SAMPLING, seed=0, step=0))

    def test_checkpointed_layers_score_like_others(self, folder, policy, batch):
        rollout = policy.sample(batch, 3, SAMPLING, seed=0, step=0)
        truth = policy.logprobs(rollout)
        expected = graded(policy, truth)
        other = self.built(folder, gradient_checkpointing=True)
        logprobs = other.logprobs(rollout)
        torch.testing.assert_close(logprobs, truth, atol=1e-5, rtol=0)
        found = graded(other, logprobs)
        size = torch.stack([weight.norm() for weight in expected.values()]).norm()
        for key, weight in expected.items():
            assert (found[key] - weight).norm() <= 1e-4 * weight.norm() + 1e-6 * size, key

    @pytest.mark.parametrize("settings", [{}, {"temperature": 0.7}, {"top_p": 0.8}])
    def test_the_first_ratio_is_one(self, policy, batch, settings):
        rollout = policy.sample(batch, 3, replace(SAMPLING, **settings), seed=0, step=0)
        difference = (policy.logprobs(rollout) - rollout.behavior)[rollout.mask]
        assert difference.abs().max() < 1e-4

    def test_under_autocast_it_hears_and_scores_what_it_samples(self, policy, batch):
        """Weights are cast once for a rollout; waveforms are never cast."""
        with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
            rollout = policy.sample(batch, 2, SAMPLING, seed=0, step=0)
            difference = (policy.logprobs(rollout) - rollout.behavior)[rollout.mask]
        assert difference.abs().max() < 0.02

    def test_a_pass_in_between_changes_nothing(self, policy, batch):
        """A module that remembers positions would be caught here."""
        rollout = policy.sample(batch, 2, SAMPLING, seed=0, step=0)
        policy.sample(part(batch, slice(4, 5)), 1, SAMPLING, seed=0, step=1)
        other = policy.sample(part(batch, slice(4, 5)), 1, SAMPLING, seed=0, step=1)
        logprobs = policy.logprobs(rollout)
        policy.logprobs(other)
        torch.testing.assert_close(policy.logprobs(rollout), logprobs, atol=1e-5, rtol=0)

    def test_placeholders_are_never_sampled(self, folder, batch):
        policy = self.built(folder)
        known = policy.processor.tokenizer.convert_tokens_to_ids(list(self.placeholders))
        assert set(known) <= set(policy.forbidden.tolist())
        assert not set(policy.ends.tolist()) & set(policy.forbidden.tolist())
        head = policy.language_model().head
        with torch.no_grad():
            head.weight[policy.forbidden] = 100 * head.weight.norm(dim=1).max()
            head.weight[policy.forbidden[::2]] *= -1
        rollout = policy.sample(batch, 4, SAMPLING, seed=0, step=0)
        assert not torch.isin(rollout.tokens[rollout.mask], policy.forbidden).any()

    def test_adapters_sit_on_the_language_model_and_start_as_the_reference(self, folder, batch):
        policy = self.built(folder, reference=True, lora=Lora(rank=2))
        trains = [name for name, weight in policy.named_parameters() if weight.requires_grad]
        assert trains
        assert all("lora_" in name and ".layers." in name for name in trains)
        assert not any(self.tower in name or "visual" in name for name in trains)
        rollout = policy.sample(batch, 2, SAMPLING, seed=0, step=0)
        assert torch.equal(policy.reference_logprobs(rollout), policy.logprobs(rollout).detach())

    def test_the_reference_of_full_training_stays_where_it_was(self, folder, batch):
        """A twin whose tower runs the trained weights would be caught here."""
        policy = self.built(folder, reference=True)
        rollout = policy.sample(batch, 2, SAMPLING, seed=0, step=0)
        given = policy.reference_logprobs(rollout)
        start = policy.logprobs(rollout).detach()  # kernels with gradients may round otherwise
        torch.testing.assert_close(start, given, atol=1e-5, rtol=0)
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for weight in filter(lambda each: each.requires_grad, policy.model.parameters()):
                weight += 0.05 * torch.randn(weight.shape, generator=generator)
        assert torch.equal(policy.reference_logprobs(rollout), given)
        assert (policy.logprobs(rollout) - given).abs().max() > 1e-3

    @pytest.mark.parametrize("lora", [None, Lora(rank=2)])
    def test_whatever_trains_gets_a_gradient(self, folder, batch, lora):
        """DDP waits for the gradient of every weight that trains."""
        check_gradients(self.built(folder, lora=lora), batch)

    def test_saved_weights_come_back(self, folder, policy, batch, tmp_path):
        policy.save(tmp_path / "whole")
        rollout = policy.encode_targets(batch)
        expected = policy.logprobs(rollout)
        again = self.built(tmp_path / "whole")
        torch.testing.assert_close(again.logprobs(rollout), expected, atol=1e-5, rtol=0)

    @pytest.mark.slow
    def test_a_reward_that_only_hearing_earns_rises_with_the_right_audio(self, folder):
        heard, deaf = (
            learned(self.built(folder), swapped, self.steps) for swapped in (False, True)
        )
        assert heard > 0.8
        assert heard > deaf + 0.2


def tones(seed: int) -> Batch:
    """Return eight clips, each a high or a low tone, with the name as target."""
    generator = torch.Generator().manual_seed(seed)
    options = tuple(TONES)
    clips, waves = [], []
    for i in range(8):
        label = options[i % 2]
        length = int(torch.randint(6_000, 10_000, (), generator=generator))
        pitch = TONES[label] * (0.9 + 0.2 * torch.rand((), generator=generator))
        waves.append(0.3 * (torch.arange(length) / 16_000 * 2 * torch.pi * pitch).sin())
        clips.append(Clip(id=f"{seed}-{i}", corpus="tones", path="none.wav", label=label))
    return Batch(
        clips=tuple(clips),
        questions=("High or low?",) * 8,
        targets=tuple(clip.label for clip in clips),
        options=options,
        waveforms=tuple(waves),
        sampling_rate=16_000,
    )


def learned(policy, swapped: bool, steps: int) -> float:
    """Imitate for some steps, then return the mean probability of right answers to new clips."""
    optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-2, weight_decay=0.0)
    batches = [tones(seed) for seed in range(4)]
    for step in range(steps):
        batch = batches[step % len(batches)]
        if swapped:
            order = torch.randperm(8, generator=torch.Generator().manual_seed(step)).tolist()
            batch = replace(batch, waveforms=tuple(batch.waveforms[i] for i in order))
        rollout = policy.encode_targets(batch)
        loss = -policy.logprobs(rollout).sum() / rollout.mask.sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
    fresh = tones(100)
    with torch.no_grad():
        right = policy.logprobs(policy.encode_targets(fresh)).sum(-1).squeeze(1)
    assert all(one.label != other.label for one, other in pairwise(fresh.clips))
    return float(right.exp().mean())
