"""A policy small enough to learn in seconds: one table of logits, one token a response."""

from pathlib import Path
from types import SimpleNamespace

import torch
from torch import Tensor, nn

from emolit.engine.sampling.generate import random_streams, sample_token
from emolit.policies import Policy
from emolit.types import Batch, Clip, Rollout, Sampling

WORDS = ("angry", "happy", "neutral", "sad")


def asked(number: int = 4) -> Batch:
    """Return a batch that asks about clips whose label is a function of their id."""
    clips = tuple(
        Clip(id=str(i), corpus="toy", path=f"{i}.wav", label=WORDS[i % 4]) for i in range(number)
    )
    return Batch(
        clips=clips,
        questions=("?",) * number,
        targets=tuple(f"<answer>{clip.label}</answer>" for clip in clips),
        options=WORDS,
        waveforms=(torch.zeros(1),) * number,
        sampling_rate=16_000,
    )


class Table(Policy):
    """Logits ``[clips, words]``; the reference is the table at its start."""

    def __init__(self, clips: int = 4) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(clips, len(WORDS)))
        self.register_buffer("start", torch.zeros(clips, len(WORDS)))

    def build(self, reference: bool, seed: int) -> None:
        self.built = (reference, seed)

    def rows(self, batch: Batch) -> Tensor:
        return torch.tensor([int(clip.id) for clip in batch.clips])

    def sample(
        self, batch: Batch, group_size: int, sampling: Sampling, seed: int, step: int
    ) -> Rollout:
        uniform = random_streams(seed, step, [clip.id for clip in batch.clips], group_size, 1)[:, 0]
        logits = self.logits.detach()[self.rows(batch)].repeat_interleave(group_size, 0)
        flat = sample_token(logits, uniform, sampling.temperature == 0)
        tokens = flat.view(len(batch), group_size, 1)
        return self._rollout(batch, tokens, sampling)

    def encode_targets(self, batch: Batch) -> Rollout:
        words = [WORDS.index(str(clip.label)) for clip in batch.clips]
        return self._rollout(batch, torch.tensor(words).view(-1, 1, 1), Sampling())

    def _rollout(self, batch: Batch, tokens: Tensor, sampling: Sampling) -> Rollout:
        responses = tuple(
            tuple(f"<answer>{WORDS[token]}</answer>" for token in group.flatten().tolist())
            for group in tokens
        )
        rollout = Rollout(
            batch=batch,
            tokens=tokens,
            mask=torch.ones_like(tokens, dtype=torch.bool),
            behavior=torch.zeros(tokens.shape),
            finished=torch.ones(tokens.shape[:2], dtype=torch.bool),
            responses=responses,
            sampling=sampling,
        )
        with torch.no_grad():
            rollout.behavior.copy_(self.logprobs(rollout))
        return rollout

    def logprobs(self, rollout: Rollout) -> Tensor:
        return self._score(self.logits, rollout)

    def reference_logprobs(self, rollout: Rollout) -> Tensor:
        return self._score(self.start, rollout)

    def _score(self, table: Tensor, rollout: Rollout) -> Tensor:
        logs = table.log_softmax(-1)[self.rows(rollout.batch)]
        return logs.unsqueeze(1).expand(-1, rollout.group_size, -1).gather(2, rollout.tokens)

    def save(self, folder: Path, state: dict[str, Tensor] | None = None) -> None:
        folder.mkdir()
        torch.save(self.state_dict(), folder / "table.pt")


def alone(made, **trainer):
    """Return a task that is set up for training without a trainer, and keeps what it logs."""
    given = {"precision_plugin": SimpleNamespace(), "callbacks": [], "datamodule": None, **trainer}
    made._trainer = SimpleNamespace(**given)
    made.setup("fit")
    made._trainer = None
    made.progress = lambda: 0.0
    made.logged = {}
    made.log_dict = lambda values, **_: made.logged.update(values)
    return made
