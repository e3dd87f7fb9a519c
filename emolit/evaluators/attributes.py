"""Ratings of attributes against those of raters: CCC, PCC and MAE by corpus."""

from collections.abc import Callable, Mapping
from typing import cast

import torch
from torch import Tensor

from emolit.affect.ratings import values_of, write_ratings
from emolit.errors import ConfigError, CorpusError
from emolit.evaluators.base import Evaluator, quiet
from emolit.metrics.rating_scores import SCORES, RatingScores, sums_of
from emolit.prompts import Prompt
from emolit.types import Clip, Evaluation, Rating


class Attributes(Evaluator):
    """Scores numbers for attributes such as valence and arousal, on the scale of the raters.

    CCC is that of MSP-Podcast's challenges (population variance). ``CCC``, ``PCC`` and ``MAE`` are
    means over the attributes, ``valence_CCC`` and so on those of one. An unreadable answer counts
    as the end of the scale that lies farther from the raters.

    Args:
        names: The attributes, as the prompt asks for them.
    """

    headline = (*SCORES, "parse_rate")

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        if not names or len(set(names)) < len(names):
            raise ConfigError(
                f"`names` of Attributes is {names}; name one attribute or several, each once."
            )
        self.names = tuple(names)

    def build(self) -> RatingScores:
        """Return empty sums for one corpus."""
        return RatingScores(len(self.names))

    def check_prompt(self, prompt: Prompt) -> None:
        """Refuse a prompt that reads no number for each attribute."""
        reply = prompt.layout.replace("…", write_ratings(dict.fromkeys(self.names, 1.0)))
        answer = prompt.parse(reply, ())
        if answer is None or {*values_of(answer)} != {*self.names}:
            raise ConfigError(
                f"The evaluator Attributes scores {list(self.names)}, and the prompt "
                f"{type(prompt).__name__} does not read a number for each of them and nothing "
                "else; use `Ratings`, with these names in its `scales`."
            )

    def update(self, evaluation: Evaluation) -> None:
        """Take the answers to one batch, each for the corpus of its clip."""
        added = self.contributions(evaluation)
        readable = torch.tensor([answer is not None for answer in evaluation.answers])
        corpora = [clip.corpus for clip in evaluation.batch.clips]
        for corpus in dict.fromkeys(corpora):
            rows = torch.tensor([name == corpus for name in corpora])
            self._scores(corpus).update(added[rows], readable[rows])

    def contributions(self, evaluation: Evaluation) -> Tensor:
        """Return what each clip adds to the sums of the scores. ``[B, A, 7]`` float64."""
        pairs = [
            self._pair(clip, values_of(answer or ()))
            for clip, answer in zip(evaluation.batch.clips, evaluation.answers, strict=True)
        ]
        said, rated = torch.tensor(pairs, dtype=torch.float64).unbind(-1)
        return sums_of(said, rated)

    def _pair(self, clip: Clip, values: Mapping[str, float]) -> list[tuple[float, float]]:
        """Return number and rating of each attribute."""
        ratings = [(name, rating_of(clip, name)) for name in self.names]
        return [(values.get(name, rating.farthest), rating.value) for name, rating in ratings]

    @property
    def from_sums(self) -> dict[str, Callable[[Tensor], Tensor]]:
        """Return what computes each score of sums. ``[..., A, 7]`` -> ``[...]``."""
        means = {name: _mean_of(score) for name, score in SCORES.items()}
        return means | {
            f"{attribute}_{name}": _one_of(score, place)
            for place, attribute in enumerate(self.names)
            for name, score in SCORES.items()
        }

    def compute(self) -> dict[str, Tensor]:
        """Return the scores of each corpus; NaN before any clip."""
        found = {}
        for corpus in self.corpora:
            with quiet():
                sums, (clips, readable) = self._scores(corpus).compute()
            found[f"{corpus}/n"] = clips
            found |= {f"{corpus}/{name}": score(sums) for name, score in self.from_sums.items()}
            found[f"{corpus}/parse_rate"] = readable / clips
        return found

    def signatures(self) -> dict[str, str]:
        """Return how scores come about: the same for the whole headline."""
        told = f"attributes:{'+'.join(self.names)}|variance:population|unreadable:farthest-end"
        return {f"{corpus}/{name}": told for corpus in self.corpora for name in SCORES}

    def _scores(self, corpus: str) -> RatingScores:
        return cast(RatingScores, self.set_of(corpus))


def _mean_of(score: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda sums: score(sums).mean(-1)


def _one_of(score: Callable[[Tensor], Tensor], place: int) -> Callable[[Tensor], Tensor]:
    return lambda sums: score(sums[..., place, :])


def rating_of(clip: Clip, name: str) -> Rating:
    """Return a rating of a clip.

    Raises:
        CorpusError: It has none.
    """
    if name not in clip.attributes:
        raise CorpusError(
            f"The clip {clip.id!r} of {clip.corpus!r} has no rating of {name!r} and cannot be "
            "scored; give it one, leave it out, or use `predict`, which needs none."
        )
    return clip.attributes[name]
