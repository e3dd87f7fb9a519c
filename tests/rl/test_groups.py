"""Groups of a rollout: taken out, put back, longer and shorter than before."""

from dataclasses import replace

import torch

from emolit.objectives.grpo import GRPO
from emolit.rl.groups import clips_of, groups_of, join_replies, replace_groups, scored_groups_of
from emolit.types import Rollout, Sampling, ScoredRollout
from tests.tasks.toy import asked


def drawn(batch, length, seed, group=3):
    """Return a rollout whose rows all differ."""
    random = torch.Generator().manual_seed(seed)
    shape = (len(batch), group, length)
    texts = tuple(tuple(f"{seed}.{b}.{g}" for g in range(group)) for b in range(len(batch)))
    return Rollout(
        batch=batch,
        tokens=torch.randint(1, 99, shape, generator=random),
        mask=torch.ones(shape, dtype=torch.bool),
        behavior=-torch.rand(shape, generator=random),
        finished=torch.rand(shape[:2], generator=random) < 0.5,
        responses=texts,
        answers=texts,
        sampling=Sampling(),
        support=torch.randint(0, 99, (*shape, 2), generator=random, dtype=torch.uint8),
    )


def test_some_groups_are_the_rows_with_their_clips():
    rollout = drawn(asked(4), 2, seed=0)
    part = groups_of(rollout, [2, 0])
    assert [clip.id for clip in part.batch.clips] == ["2", "0"]
    assert part.batch.waveforms[0] is rollout.batch.waveforms[2]
    assert part.responses == (rollout.responses[2], rollout.responses[0])
    for name in ("tokens", "mask", "behavior", "finished", "support"):
        assert torch.equal(getattr(part, name), getattr(rollout, name)[[2, 0]])
    assert part.entropy is None


def test_a_scored_part_keeps_the_counts_of_the_whole():
    rollout, nan = drawn(asked(4), 2, seed=0), float("nan")
    total = torch.tensor([[1.0, nan, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 0.0], [nan, nan, nan]])
    scored = ScoredRollout(rollout, {"it": total}, total, total.nan_to_num(), rollout.behavior)
    part = scored_groups_of(scored, [2])
    assert (part.response_count.item(), part.token_count.item()) == (8, 16)
    assert torch.equal(part.rewards["it"], total[[2]])
    assert torch.equal(part.reference, rollout.behavior[[2]])


def test_groups_put_back_fill_up_to_the_longer_rows():
    rollout = drawn(asked(4), 2, seed=0)
    for length in (1, 2, 5):
        fresh = drawn(clips_of(rollout.batch, [1, 3]), length, seed=1)
        new = replace_groups(rollout, [1, 3], fresh)
        assert new.batch is rollout.batch
        assert new.responses[1] == new.answers[1] == fresh.responses[0]
        assert new.responses[2] == rollout.responses[2]
        assert torch.equal(groups_of(new, [0, 2]).tokens[..., :2], rollout.tokens[[0, 2]])
        assert torch.equal(new.mask[[1, 3], :, :length], fresh.mask)
        assert not new.mask[[1, 3], :, length:].any()
        assert not new.mask[[0, 2], :, 2:].any()
        assert torch.equal(new.behavior[[1, 3], :, :length], fresh.behavior)
        assert torch.equal(new.support[[1, 3], :, :length], fresh.support)
        assert (new.support[[1, 3], :, length:] == 255).all()
        assert torch.equal(new.finished[[1, 3]], fresh.finished)


def test_the_objective_of_all_parts_is_that_of_the_whole():
    rollout = drawn(asked(4), 3, seed=2)
    random = torch.Generator().manual_seed(3)
    gains, weights = (torch.rand(*s, generator=random) for s in ((4, 3), (4, 3, 3)))
    whole = ScoredRollout(rollout, {}, gains, gains - 0.5, weights=weights)
    logprobs = rollout.behavior + 0.1
    parts = [
        GRPO()(logprobs[k : k + 2], scored_groups_of(whole, range(k, k + 2))).loss for k in (0, 2)
    ]  # both divide by the number of responses of the whole
    torch.testing.assert_close(sum(parts), GRPO()(logprobs, whole).loss)


def test_replies_that_join_stand_behind_and_could_be_drawn_from_all_tokens():
    rollout = drawn(asked(4), 2, seed=0)
    for length in (1, 4):
        told = replace(drawn(rollout.batch, length, seed=1, group=1), support=None)
        joined = join_replies(rollout, told)
        assert joined.batch is rollout.batch and joined.group_size == 4
        assert torch.equal(joined.tokens[:, :3, :2], rollout.tokens)
        assert torch.equal(joined.tokens[:, 3:, :length], told.tokens)
        assert torch.equal(joined.support[:, :3, :2], rollout.support)
        assert (joined.support[:, 3:] == 255).all()
        assert joined.mask[:, 3].sum(-1).tolist() == [length] * 4
        assert joined.responses[0] == (*rollout.responses[0], *told.responses[0])
