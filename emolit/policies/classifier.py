"""A policy that chooses a label and does not write: what all baselines are.

Its vocabulary is its labels and a reply is one token, which it speaks as `Direct` wants it:
``<answer>sad</answer>``. So its log-probabilities are those of the labels, `SupervisedFinetuning`
is cross-entropy, and whatever samples, rewards, scores or writes replies takes it like a language
model.
"""

import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from emolit.affect.taxonomy import Taxonomy
from emolit.engine.sampling.generate import SampledTokens, random_streams, sample_token
from emolit.engine.weights.intact import check_intact, read_object
from emolit.errors import ConfigError, PolicyError
from emolit.policies.base import Policy
from emolit.prompts.direct import Direct
from emolit.rl.functional import entropy, pack, selective_log_softmax, unpack, warp
from emolit.types import Batch, Rollout, Sampling

SETTINGS = "config.json"
"""Says what a folder of weights is."""
WEIGHTS = "model.safetensors"


class Classifier(Policy, ABC):
    """Chooses one of K labels.

    A question may offer fewer: then it chooses among these. What it has not learned it never says.

    Args:
        checkpoint: A folder that training wrote, which knows its labels; None begins anew.
        taxonomy: Labels of a new one; the command line links the corpus's own here.

    Attributes:
        labels: K labels in the order of its tokens; token K is a word that it has not learned.
        settings: What it is made with, as a folder of weights says it.
    """

    nowhere: Tensor

    def __init__(self, checkpoint: str | None, taxonomy: Taxonomy | None) -> None:
        super().__init__()
        self.checkpoint = checkpoint
        self.taxonomy = taxonomy
        self.labels: tuple[str, ...] = ()
        self.settings: dict[str, Any] = {}
        self.register_buffer("nowhere", torch.empty(0, dtype=torch.long), persistent=False)

    @abstractmethod
    def new_settings(self) -> dict[str, Any]:
        """Return what a new classifier is made with, as JSON has it, the labels aside."""

    def new_labels(self) -> tuple[str, ...]:
        """Return what a new classifier chooses from.

        Raises:
            ConfigError: The data have no labels.
        """
        if self.taxonomy is None or not self.taxonomy.labels:
            raise ConfigError(
                f"{type(self).__name__} needs labels to choose from, and the data have none."
            )
        return self.taxonomy.labels

    def asked_settings(self) -> dict[str, Any]:
        """Return what the user has set, by the names of `new_settings`; None where it was not."""
        return {}

    @abstractmethod
    def make(self, seed: int) -> None:
        """Make the modules and buffers that ``labels`` and ``settings`` ask for.

        Args:
            seed: For weights that are new.
        """

    @abstractmethod
    def logits(self, batch: Batch) -> Tensor:
        """Return a score for each label, differentiable where something trains. ``[B, K]``."""

    def build(self, reference: bool, seed: int) -> None:
        """Make a new classifier, or take a trained one.

        Raises:
            ConfigError: A reference is asked for, there are no labels, or the folder was made with
                another setting than is asked for.
            PolicyError: The folder holds another kind of policy.
        """
        if self.labels:
            return
        if reference:
            raise ConfigError(
                f"{type(self).__name__} keeps no reference; set `kl: 0` in the objective."
            )
        if self.checkpoint is None:
            self.settings = self.new_settings()
            self.labels = self.new_labels()
        else:
            check_intact(self.checkpoint)
            self.settings = self._read_settings(Path(self.checkpoint))
            self.labels = tuple(self.settings.pop("labels"))
            self._check_asked()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.make(seed)
        if self.checkpoint is not None:
            self.load_state_dict(load_file(Path(self.checkpoint) / WEIGHTS))
            self.load_more(Path(self.checkpoint))

    def _check_asked(self) -> None:
        for name, asked in self.asked_settings().items():
            made = self.settings[name]
            if asked is not None and asked != made:
                raise ConfigError(
                    f"`{name}` of {type(self).__name__} is {asked!r}, and {self.checkpoint} was "
                    f"made with {made!r}; leave it out, or train anew without `checkpoint`."
                )

    def _read_settings(self, folder: Path) -> dict[str, Any]:
        """Return what the folder says of itself.

        Raises:
            PolicyError: It is of another kind.
        """
        path = folder / SETTINGS
        found = read_object(path) if path.is_file() else {}
        if found.pop("classifier", None) != type(self).__name__ or "labels" not in found:
            raise PolicyError(
                f"The checkpoint {str(folder)!r} holds no {type(self).__name__}; give the folder "
                "`best` or `last` of a run that trained one."
            )
        return found

    def load_more(self, folder: Path) -> None:
        """Read what else `save_more` has written; by default nothing."""

    def save_more(self, folder: Path) -> None:
        """Write what is no tensor; by default nothing."""

    def save(self, folder: Path, state: dict[str, Tensor] | None = None) -> None:
        """Write settings, labels and weights."""
        folder.mkdir(parents=True, exist_ok=True)
        told = {"classifier": type(self).__name__, "labels": list(self.labels), **self.settings}
        text = json.dumps(told, ensure_ascii=False, indent=2) + "\n"
        (folder / SETTINGS).write_text(text, encoding="utf-8")
        kept = {name: value.detach().cpu().contiguous() for name, value in self._weights().items()}
        save_file(kept, folder / WEIGHTS)
        self.save_more(folder)

    def _weights(self) -> dict[str, Tensor]:
        return dict(self.state_dict())

    def sample(
        self, batch: Batch, group_size: int, sampling: Sampling, seed: int, step: int
    ) -> Rollout:
        """Draw labels, or take the most probable one where sampling is greedy."""
        with torch.no_grad():
            warped = warp(
                self._offered_logits(batch),
                self.nowhere,
                sampling.temperature,
                sampling.top_p,
                sampling.top_k,
            ).repeat_interleave(group_size, 0)
        clips = [f"{clip.corpus}\n{clip.id}" for clip in batch.clips]
        uniform = random_streams(seed, step, clips, group_size, 1)[:, 0]
        drawn = sample_token(warped, uniform, sampling.temperature == 0)
        rows = SampledTokens(
            tokens=drawn.unsqueeze(-1),
            mask=torch.ones_like(drawn, dtype=torch.bool).unsqueeze(-1),
            behavior=selective_log_softmax(warped, drawn).unsqueeze(-1),
            entropy=entropy(warped).unsqueeze(-1),
            finished=torch.ones_like(drawn, dtype=torch.bool),
            support=pack(warped.isfinite()).unsqueeze(1) if sampling.truncated else None,
        )
        texts = [Direct.layout.replace("…", self.labels[token]) for token in drawn.tolist()]
        return rows.rollout(batch, sampling, texts)

    def encode_targets(self, batch: Batch) -> Rollout:
        """Return the labels that the targets name.

        Raises:
            PolicyError: A clip has no target, or one that names no label.
        """
        known = {Direct.layout.replace("…", label) for label in self.labels}
        for clip, target in zip(batch.clips, batch.targets, strict=True):
            if target not in known:
                raise PolicyError(
                    f"The reply wanted for the clip {clip.id!r} of {clip.corpus!r} is {target!r}, "
                    f"and {type(self).__name__} says {Direct.layout} with one of "
                    f"{list(self.labels)}; use the prompt `Direct`, and clips with such labels."
                )
        replies = tuple((target or "",) for target in batch.targets)
        return self.encode_responses(batch, replies, Sampling())

    def encode_responses(
        self, batch: Batch, replies: tuple[tuple[str, ...], ...], sampling: Sampling
    ) -> Rollout:
        """Return given replies as tokens; one that names no label is the word not learned."""
        tokens = torch.tensor([[[self._token(text)] for text in group] for group in replies])
        tokens = tokens.to(self.nowhere.device)
        return Rollout(
            batch=batch,
            tokens=tokens,
            mask=torch.ones_like(tokens, dtype=torch.bool),
            behavior=torch.zeros(tokens.shape, device=tokens.device),
            finished=torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device),
            responses=replies,
            sampling=sampling,
        )

    def logprobs(self, rollout: Rollout) -> Tensor:
        """Score labels. ``[B, G, 1]``."""
        logits = self._offered_logits(rollout.batch)
        warped = warp(logits, self.nowhere, rollout.sampling.temperature)
        rows = warped[:, None, None].expand(*rollout.tokens.shape, -1)
        if rollout.support is not None:
            drawable = unpack(rollout.support, rows.shape[-1])
            rows = rows.masked_fill(~drawable, float("-inf"))
        return selective_log_softmax(rows, rollout.tokens)

    def reference_logprobs(self, rollout: Rollout) -> Tensor:
        """Refuse: there is no reference.

        Raises:
            PolicyError: Always.
        """
        raise PolicyError(f"{type(self).__name__} keeps no reference; set `kl: 0`.")

    def _token(self, reply: str) -> int:
        label = Direct().parse(reply, self.labels)
        return len(self.labels) if label is None else self.labels.index(label)

    def offered(self, batch: Batch) -> list[bool]:
        """Return of each label whether the question offers it; one without options offers all."""
        return [not batch.options or label in batch.options for label in self.labels]

    def _offered_logits(self, batch: Batch) -> Tensor:
        """Return the scores of what a question offers, -inf for all else. ``[B, K + 1]``.

        Raises:
            PolicyError: It offers nothing that was learned.
        """
        offered = self.offered(batch)
        if not any(offered):
            raise PolicyError(
                f"{type(self).__name__} has learned {list(self.labels)}, and the question offers "
                f"{list(batch.options)}; set `labels` of the data, or train on these."
            )
        logits = self.logits(batch).float()
        closed = torch.tensor([not each for each in offered], device=logits.device)
        logits = logits.masked_fill(closed, float("-inf"))
        return torch.nn.functional.pad(logits, (0, 1), value=float("-inf"))
