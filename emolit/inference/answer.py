"""What is said about a recording, window by window and as a whole."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from emolit.data.windows import span_of
from emolit.types import Answer as Parsed
from emolit.types import Evaluation

EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Segment:
    """What was answered about one window.

    Attributes:
        start: Where the window begins in the recording, in seconds.
        end: Where it ends.
        response: The text that the model said.
        answer: What the prompt read in it: a label, words or a caption; None is unreadable.
        probabilities: Of each label, by name; empty where answers are open.
        reason: What was thought before the answer; None where nothing was.
    """

    start: float
    end: float
    response: str
    answer: Parsed | None
    probabilities: Mapping[str, float] = field(default_factory=lambda: EMPTY)
    reason: str | None = None


@dataclass(frozen=True)
class Answer:
    """What was answered about a recording.

    Attributes:
        label: The emotion, where the prompt offers labels; None where no answer can be read, or
            answers are open.
        probabilities: Of each label, by name, the mean over windows; empty where answers are open.
        words: Emotion words of an open prompt: in how many windows each was said, the most
            frequent first; empty where there are labels or captions.
        captions: One a window whose caption can be read; empty without a caption prompt.
        reason: What was thought before the answer; of several windows, in the one that is most
            sure of the label. None where nothing was thought.
        segments: The windows, in order.
    """

    label: str | None
    probabilities: Mapping[str, float]
    words: Mapping[str, int]
    captions: tuple[str, ...]
    reason: str | None
    segments: tuple[Segment, ...]

    @property
    def seconds(self) -> float:
        """How much of the recording was heard."""
        return max(each.end for each in self.segments) - min(each.start for each in self.segments)

    @property
    def text(self) -> str:
        """The answer in one line; empty where none can be read."""
        if self.label is not None:
            return self.label
        return ", ".join(self.words) or " ".join(self.captions)


def segments_of(evaluation: Evaluation, reason: Callable[[str], str | None]) -> list[Segment]:
    """Return what was answered about each window of a batch.

    Args:
        evaluation: Answers to a batch.
        reason: Finds what was thought in a response.
    """
    found = []
    for index, clip in enumerate(evaluation.batch.clips):
        rows = next(iter(evaluation.probabilities.values()), None)
        options = evaluation.batch.options
        spread = {} if rows is None else dict(zip(options, rows[index].tolist(), strict=True))
        response = evaluation.responses[index]
        answer = evaluation.answers[index]
        found.append(Segment(*span_of(clip), response, answer, spread, reason(response)))
    return found


def merge_segments(segments: Sequence[Segment], labels: Sequence[str]) -> Answer:
    """Return the answer about a recording.

    With one window it is that window's, read as in a test. With several, probabilities are averaged
    and the most probable label is taken, whatever each window says; where a policy gives none, the
    most frequent one. Where no window's answer can be read there is no label. Words are united and
    counted.

    Args:
        segments: Its windows, at least one.
        labels: The options, in class order; empty where answers are open.
    """
    ordered = tuple(sorted(segments, key=lambda segment: (segment.start, segment.end)))
    answers = [segment.answer for segment in ordered if segment.answer is not None]
    spreads = [segment.probabilities for segment in ordered if segment.probabilities]
    mean = {name: sum(each[name] for each in spreads) / len(spreads) for name in labels if spreads}
    texts = [answer for answer in answers if isinstance(answer, str)]
    label = None
    if labels:
        label = _label(texts, mean if len(ordered) > 1 else {}, labels)
    lists = [dict.fromkeys(answer) for answer in answers if not isinstance(answer, str)]
    words = Counter(word for each in lists for word in each)
    surest = max(ordered, key=lambda segment: segment.probabilities.get(label or "", 0.0))
    return Answer(
        label=label,
        probabilities=mean,
        words=dict(words.most_common()),
        captions=() if labels else tuple(texts),
        reason=surest.reason,
        segments=ordered,
    )


def _label(texts: Sequence[str], mean: Mapping[str, float], labels: Sequence[str]) -> str | None:
    """Return the most probable label, or the most frequent; the first of equals in class order."""
    if mean and texts:
        return max(labels, key=lambda name: mean[name])
    counts = Counter(texts)
    return max(labels, key=lambda name: counts[name]) if counts else None
