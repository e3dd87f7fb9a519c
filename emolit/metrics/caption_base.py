"""What scores of captions share: predictions and references gathered as texts, and a signature.

The state is JSON, one line a clip, as bytes: such a state adds up over processes by putting one
behind the other. Lines are sorted before they are scored, so that a score is the same to the last
bit for any batch size, order and number of processes.

A prediction that could not be read is an empty caption; it is never left out.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities.data import dim_zero_cat

from emolit import __version__
from emolit.text.tokenizer import tokenizer


class Item(NamedTuple):
    """What is scored of one clip.

    Attributes:
        prediction: None where unreadable.
        references: At least one.
    """

    prediction: str | None
    references: tuple[str, ...]


class TokenizedItem(NamedTuple):
    """The same as tokens; a prediction that could not be read has none."""

    prediction: list[str]
    references: list[list[str]]


class CaptionMetric(Metric, ABC):
    """A score of captions against their references.

    Args:
        tokenizer: Its name, such as ``zh-char`` or ``en-13a`` (`emolit.text.tokenizer`).

    Attributes:
        lines: Predictions and references as JSON lines; gathered over processes. ``[bytes]`` uint8
    """

    names: tuple[str, ...]
    """What is scored, as it stands in log keys."""
    implementation: str = "coco"
    """Whose definition it is."""
    is_differentiable = False
    full_state_update = False
    higher_is_better: bool | None = True
    lines: list[Tensor]

    def __init__(self, tokenizer: str) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.spread = ""
        self.add_state("lines", [], dist_reduce_fx="cat")
        self.reset()

    def reset(self) -> None:
        """Forget all captions.

        The state is never an empty list: torchmetrics would gather it as numbers of another type.
        """
        super().reset()
        self.lines.append(torch.empty(0, dtype=torch.uint8, device=self.device))

    def update(
        self, predictions: Sequence[str | None], references: Sequence[Sequence[str]]
    ) -> None:
        """Take N captions and the references of each.

        Raises:
            ValueError: The numbers differ, or a caption has no reference.
        """
        if len(predictions) != len(references) or not all(references):
            raise ValueError(
                f"There are {len(predictions)} captions for {len(references)} lists of references "
                f"of the lengths {[len(some) for some in references]}; pass one list, not empty, "
                "a caption."
            )
        rows = zip(predictions, references, strict=True)
        text = "".join(json.dumps([said, [*wanted]]) + "\n" for said, wanted in rows)
        codes = torch.frombuffer(bytearray(text.encode("ascii") or b"\n"), dtype=torch.uint8)
        self.lines.append(codes.to(self.device))

    def items(self) -> list[Item]:
        """Return all captions, in an order that follows from them alone."""
        codes = dim_zero_cat(self.lines).cpu().numpy().tobytes().decode("ascii")
        rows = (json.loads(line) for line in sorted(codes.split("\n")) if line)
        return [Item(said, tuple(wanted)) for said, wanted in rows]

    def tokens(self, items: Sequence[Item]) -> list[TokenizedItem]:
        """Return the same as tokens."""
        texts = [text for said, wanted in items for text in (said or "", *wanted)]
        tokens = iter(tokenizer(self.tokenizer).tokens(texts))
        return [
            TokenizedItem(next(tokens), [next(tokens) for _ in item.references]) for item in items
        ]

    @abstractmethod
    def score(self, items: Sequence[Item]) -> tuple[float, ...]:
        """Return the score of each name; there is at least one item."""

    def compute(self) -> dict[str, Tensor]:
        """Return the scores by name, float64; NaN before any caption."""
        items = self.items()
        counts = [len(item.references) for item in items]
        self.spread = f"{min(counts)}-{max(counts)}" if counts else "none"
        values = self.score(items) if items else (float("nan"),) * len(self.names)
        return {
            name: torch.tensor(value, dtype=torch.float64, device=self.device)
            for name, value in zip(self.names, values, strict=True)
        }

    def signatures(self) -> dict[str, str]:
        """Return how each score came about, after `compute`; what to quote beside a number.

        Example:
            ``BLEU_4|tok:zh-char|punct:keep|case:lower|refs:1-5|impl:coco|emolit:0.1.0``
        """
        how = tokenizer(self.tokenizer).signature
        end = f"{how}|refs:{self.spread}|impl:{self.implementation}|emolit:{__version__}"
        return {name: f"{name}|{end}" for name in self.names}
