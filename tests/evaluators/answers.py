"""Evaluations out of short tables, for tests."""

from torch import Tensor, zeros

from emolit.types import Answer, Batch, Clip, Evaluation

LABELS = ("angry", "happy", "sad")


def batch_of(clips: list[Clip], options: tuple[str, ...] = LABELS) -> Batch:
    """Put a question about each clip; the audio is silence."""
    silence: tuple[Tensor, ...] = tuple(zeros(160) for _ in clips)
    targets = tuple(
        None if clip.label is None else f"<answer>{clip.label}</answer>" for clip in clips
    )
    return Batch(tuple(clips), ("?",) * len(clips), targets, options, silence, 16_000)


def evaluation(*rows: tuple[str, str | None, Answer | None]) -> Evaluation:
    """Answers to one batch, each row corpus, label, answer; ids count up in a corpus."""
    seen: dict[str, int] = {}
    clips = []
    for corpus, label, _ in rows:
        seen[corpus] = seen.get(corpus, -1) + 1
        clips.append(Clip(f"{corpus}-{seen[corpus]}", corpus, "a.wav", label))
    answers = tuple(answer for _, _, answer in rows)
    return Evaluation(batch_of(clips), tuple(f"says {a}" for a in answers), answers)
