"""What flows through emolit: clips, batches, rollouts. Frozen dataclasses with shapes in comments.

Letters used everywhere: **B** prompts (one clip each), **G** responses a prompt, **P** prompt
tokens, **T** response tokens. Response tensors lead with ``[B, G]``; a flat ``[B*G]`` row order is
always clip-major (``repeat_interleave``). Masks are True where it counts. Three log-probabilities
have three names: ``logprobs`` (policy, differentiable), ``behavior`` (policy when it sampled),
``reference`` (frozen).
"""

import math
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import torch
from torch import Tensor

from emolit.errors import ConfigError

Split = Literal["train", "val", "test"]
Answer = str | tuple[str, ...]
"""What a prompt parsed out of a response: a label or a caption, or a tuple of words."""


@dataclass(frozen=True)
class Rating:
    """A number that raters gave to a clip.

    Attributes:
        value: Mean of the raters, on their scale.
        low: Lower end of the scale.
        high: Upper end of the scale.
    """

    value: float
    low: float
    high: float

    def share(self, value: float) -> float:
        """Return where a value lies on the scale, 0 at its lower end and 1 at its upper."""
        return (value - self.low) / (self.high - self.low)

    @property
    def farthest(self) -> float:
        """The end of the scale that lies farther from the value: what an unreadable answer is."""
        return self.low if self.share(self.value) > 0.5 else self.high


@dataclass(frozen=True)
class Clip:
    """One recording and all that is known about it.

    Attributes:
        id: Unique inside its corpus.
        corpus: Name of the corpus, as it stands in log keys.
        path: Audio file, relative to the corpus folder, with forward slashes; empty for a clip
            that is text alone, whose waveform is empty too.
        label: Canonical emotion name (``emolit.affect.taxonomy``); None where the corpus gives
            none.
        speaker: Who speaks; None where unknown.
        split: ``train``, ``val`` or ``test``; None until the corpus has partitioned its clips.
        transcript: What is said; None where unknown.
        captions: Reference captions, possibly several.
        seconds: Duration of the clip; None until its audio was looked at.
        start: Where the clip begins in its audio or video file, in seconds.
        end: Where it ends there, in seconds; None is the end of the file.
        votes: How many raters chose each emotion, by canonical name; empty where unknown. They
            may disagree with ``label``, which need not come from these raters.
        words: Emotion words of an open vocabulary that hold for the clip; empty where unknown.
        attributes: Ratings by name, such as valence and arousal, each with its scale; empty where
            unknown.
        dialog: The dialog that it is a turn of, unique inside its corpus; None where unknown.
        turn: Its place there: a number that grows, such as that of the turn, or seconds.
        earlier: Speaker and words of each turn before it in its dialog, the nearest last; filled by
            the corpus. Words alone: no label, and nothing that is said later.
        sentiment: Polarity, negative below 0 and positive above, on the corpus's own scale.
        reason: Why these emotions are heard or seen, as written by people; None where unknown.
        video: File with the frames, relative to the corpus folder; None where there is none.
    """

    id: str
    corpus: str
    path: str
    label: str | None = None
    speaker: str | None = None
    split: Split | None = None
    transcript: str | None = None
    captions: tuple[str, ...] = ()
    seconds: float | None = None
    start: float = 0.0
    end: float | None = None
    votes: dict[str, int] = field(default_factory=dict, hash=False)
    words: tuple[str, ...] = ()
    sentiment: float | None = None
    reason: str | None = None
    video: str | None = None
    attributes: dict[str, Rating] = field(default_factory=dict, hash=False)
    dialog: str | None = None
    turn: float | None = None
    earlier: tuple[tuple[str | None, str], ...] = ()

    @property
    def emotions(self) -> tuple[str, ...]:
        """The gold words of an open vocabulary: ``words``, or the label where there are none."""
        return self.words or (() if self.label is None else (self.label,))


@dataclass(frozen=True)
class Batch:
    """B clips with the question put about each and the audio; no tokens, no model.

    Attributes:
        clips: B clips.
        questions: B rendered prompts, text only; the policy adds audio and chat layout.
        targets: B replies wanted, for supervised finetuning; None where the clip has no gold.
        options: The closed set of answers that the questions offer; empty if open.
        waveforms: B mono waveforms ``[samples]``, float32 in [-1, 1].
        sampling_rate: Of the waveforms, in Hz.
        frames: B series of pictures ``[N, 3, height, width]``, uint8, evenly spread over the
            clips; empty unless they are asked for.
        begun: B beginnings of replies that are given, such as hints; the policy goes on from them,
            and responses show them. Empty where replies begin by themselves.
        unread: What is wrong with the files of clips that should have been in the batch too, as
            sentences.
        augmented: Whether the sound is drawn anew in every epoch, so that nothing is worth keeping
            of it.
    """

    clips: tuple[Clip, ...]
    questions: tuple[str, ...]
    targets: tuple[str | None, ...]
    options: tuple[str, ...]
    waveforms: tuple[Tensor, ...]
    sampling_rate: int
    frames: tuple[Tensor, ...] = ()
    begun: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    augmented: bool = False

    def __len__(self) -> int:
        """Return B."""
        return len(self.clips)

    def repeat(self, times: int) -> Self:
        """Return every entry so many times in a row."""
        if times == 1:
            return self

        def each(things: tuple[Any, ...]) -> tuple[Any, ...]:
            return tuple(thing for thing in things for _ in range(times))

        return replace(
            self,
            clips=each(self.clips),
            questions=each(self.questions),
            targets=each(self.targets),
            waveforms=each(self.waveforms),
            frames=each(self.frames),
            begun=each(self.begun),
        )

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Self:
        """Leave the audio where it is: feature extractors run on the host.

        Lightning calls this for every batch (a frozen dataclass without it fails there,
        pytorch-lightning #10873); the policy moves what it computes.
        """
        return self


@dataclass(frozen=True)
class Sampling:
    """How responses are drawn; scoring divides and masks by the same record.

    Attributes:
        temperature: Logits are divided by it; 0 means greedy.
        top_p: Nucleus mass kept, after the temperature; 1 keeps all.
        top_k: Number of tokens kept; 0 keeps all.
        max_tokens: Longest response, end token included.
        stop: Strings that end a response where they appear; they stay part of it.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    max_tokens: int = 64
    stop: tuple[str, ...] = ("</answer>",)

    def __post_init__(self) -> None:
        """Refuse settings that leave nothing to draw."""
        for name, good in (
            ("temperature", self.temperature >= 0),
            ("top_p", 0 < self.top_p <= 1),
            ("top_k", self.top_k >= 0),
            ("max_tokens", self.max_tokens > 0),
        ):
            if not good:
                raise ConfigError(
                    f"`sampling.{name}` is {getattr(self, name)}; choose temperature >= 0, "
                    "0 < top_p <= 1, top_k >= 0 and max_tokens > 0."
                )

    @property
    def truncated(self) -> bool:
        """Whether top-p or top-k leaves tokens out."""
        return self.top_p < 1 or self.top_k > 0

    def greedy(self) -> "Sampling":
        """Return the same record with greedy decoding."""
        return replace(self, temperature=0.0, top_p=1.0, top_k=0)


@dataclass(frozen=True)
class Rollout:
    """G responses to each of B prompts, as sampled.

    Attributes:
        batch: What was asked.
        tokens: Response tokens, right-padded. ``[B, G, T]`` int64
        mask: True on response tokens, the end token included. ``[B, G, T]``
        behavior: Log-probabilities under the policy that sampled; in an update they are those that
            training computes (``ScoredRollout.sampled``). ``[B, G, T]`` float32
        entropy: Of the distribution that each token was drawn from, in nats. ``[B, G, T]`` float32;
            None where nothing was drawn.
        support: The tokens that top-p and top-k had left at each position, as bits; scoring
            renormalizes over them (DeepSeek-V3.2, arXiv 2512.02556, "keep sampling mask").
            ``[B, G, T, ceil(V / 8)]`` uint8; None where all could be drawn.
        responses: Decoded text without special tokens, ``responses[b][g]``.
        answers: Parsed answers, None where unreadable, ``answers[b][g]``.
        sampling: How the responses were drawn.
        progress: Share of the training that is over, 0 to 1; for rewards with a schedule.
        finished: True where the response ended by itself within ``max_tokens``. ``[B, G]``
    """

    batch: Batch
    tokens: Tensor
    mask: Tensor
    behavior: Tensor
    finished: Tensor
    responses: tuple[tuple[str, ...], ...]
    sampling: Sampling
    answers: tuple[tuple[Answer | None, ...], ...] = ()
    progress: float = 0.0
    entropy: Tensor | None = None
    support: Tensor | None = None

    @property
    def group_size(self) -> int:
        """G."""
        return self.tokens.shape[1]


@dataclass(frozen=True)
class ScoredRollout:
    """A rollout with all that an objective needs besides the policy's log-probabilities.

    Attributes:
        rollout: The responses.
        rewards: Each reward by name, NaN where it does not apply. ``[B, G]`` each
        total: Weighted sum over the rewards that apply, NaN where none does: such a response is
            not scored. ``[B, G]``
        advantages: ``[B, G]``
        reference: Log-probabilities under the reference. ``[B, G, T]``; None when not needed
        responses: Number of scored responses, averaged over processes; a loss divides its sum by
            it. None counts those of this rollout.
        tokens: Number of tokens of scored responses, likewise.
        sampled: Log-probabilities as sampling computed them, where ``rollout.behavior`` holds those
            that training computes for the same policy; None where both are one. ``[B, G, T]``
        weights: Ratio of the second to the first, to weigh tokens by. ``[B, G, T]``; None is 1
        cap: The largest weight: of a token, or of a response where its objective weighs responses.
        gold: Advantages of the gold replies, where these join their groups. ``[B]``; None elsewhere
    """

    rollout: Rollout
    rewards: dict[str, Tensor]
    total: Tensor
    advantages: Tensor
    reference: Tensor | None = None
    responses: Tensor | None = None
    tokens: Tensor | None = None
    sampled: Tensor | None = None
    weights: Tensor | None = None
    cap: float = math.inf
    gold: Tensor | None = None

    def weight_advantages(self, weights: Tensor | None) -> Tensor:
        """Return the advantages times weights, none above the cap. ``[B, G, T]``.

        Args:
            weights: Of tokens ``[B, G, T]`` or responses ``[B, G, 1]``; None is 1.
        """
        advantages = self.advantages.unsqueeze(-1)
        return advantages if weights is None else advantages * weights.clamp(max=self.cap)

    @property
    def token_advantages(self) -> Tensor:
        """The advantage of each token, weighed: ``[B, G, T]``, or ``[B, G, 1]`` if all are 1."""
        return self.weight_advantages(self.weights)

    @property
    def mask(self) -> Tensor:
        """True on the tokens of scored responses. ``[B, G, T]``."""
        return self.rollout.mask & ~self.total.isnan().unsqueeze(-1)

    @property
    def response_count(self) -> Tensor:
        """What a sum over responses is divided by."""
        here = (~self.total.isnan()).sum().clamp(min=1)
        return here if self.responses is None else self.responses

    @property
    def token_count(self) -> Tensor:
        """What a sum over tokens is divided by."""
        return self.mask.sum().clamp(min=1) if self.tokens is None else self.tokens


@dataclass(frozen=True)
class Outcome:
    """What an objective returns.

    Attributes:
        loss: Scalar with gradient.
        stats: Named scalars for the log, detached.
    """

    loss: Tensor
    stats: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluation:
    """What ``validation_step``, ``test_step`` and ``predict_step`` return, one entry a clip.

    Attributes:
        batch: B clips.
        responses: B response texts.
        answers: B parsed answers; None is an unreadable one, never a missing row.
        rewards: Each reward by name, None where it does not apply; empty if the task has none.
        probabilities: Distributions over the batch's options by the name of a confidence, on the
            host; empty where none was asked for. ``[B, K]`` float64 each
    """

    batch: Batch
    responses: tuple[str, ...]
    answers: tuple[Answer | None, ...]
    rewards: dict[str, tuple[float | None, ...]] = field(default_factory=dict)
    probabilities: dict[str, Tensor] = field(default_factory=dict)

    def to(self, device: torch.device | str) -> Self:
        """Stay as it is: nothing in it lies on a device.

        Lightning calls this to collect predictions (a frozen dataclass without it fails there).
        """
        return self
