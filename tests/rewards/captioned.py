"""Rollouts of captions, for tests of rewards."""

from dataclasses import replace

from emolit.types import Answer, Rollout
from tests.rewards.test_base import rollout


def captioned(
    answers: tuple[tuple[Answer | None, ...], ...], captions: tuple[tuple[str, ...], ...]
) -> Rollout:
    """G answers to each of B clips, and the references of each clip."""
    drawn = rollout(tuple(("x",) * len(group) for group in answers), answers)
    pairs = zip(drawn.batch.clips, captions, strict=True)
    clips = tuple(replace(clip, captions=texts) for clip, texts in pairs)
    return replace(drawn, batch=replace(drawn.batch, clips=clips))
