"""A watch for rewards that are gamed: they rise, and what they stand for does not.

Six signs, each a curve ``watch/<sign>`` and a bound. Once a sign passes its bound a warning says
so, with numbers, and again only after a whole window without it; the warning is logged
as a text too, and ``watch/alarms`` counts the signs that are beyond their bounds now. Nothing is
stopped and nothing is changed.

- ``fall``: how far the held-out score has fallen below its best, counted only while the reward
  stands above what it was at that best (Goodhart; Gao et al. 2023, arXiv 2210.10760).
- ``length``: tokens of a response, relative to the start.
- ``list``: words of a parsed list of answers, relative to the start; 1 where answers are no lists.
- ``variety``: distinct n-grams of tokens among all of a rollout (distinct-n, Li et al. 2016,
  arXiv 1510.03055), relative to the start. Over all clips together: that the responses to one clip
  agree is learning, that those to all clips do is collapse.
- ``silent``: of the closed label that is said least, beside how often it is the right answer: the
  ratio of the two. 1 where answers are open.
- ``flat``: share of groups whose responses all earn the same, so that nothing is learned from them.
"""

import math
from collections.abc import Mapping
from typing import Any, Literal

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor
from typing_extensions import override

from emolit.advantages.base import flat
from emolit.callbacks.label_shares import label_shares, quietest
from emolit.callbacks.media import media
from emolit.errors import ConfigError
from emolit.metrics.distinct import distinct
from emolit.types import Rollout, ScoredRollout

MEASURES = ("reward", "length", "list", "variety", "flat")
"""What is measured of every rollout, in this order."""
LOOK = "read responses under the tag rollouts/ (RolloutJournal)"


class RewardWatch(Callback):
    """Warns when reward rises and a held-out score falls, and of drift, collapse and saturation.

    It reads ``scored`` from what ``training_step`` returns, and is silent where a task has none.
    Measures are averaged over processes. The start is the first window of rollouts.

    Args:
        monitor: A logged held-out score, such as ``val/synthetic/UA``; None watches none.
        mode: Whether its best is the highest or the lowest.
        window: Rollouts that a value is averaged over. 50 of 8 x 8 responses know a share to
            0.01 (one standard error).
        fall: Bound of ``fall``, in units of the score. 0.05 is two standard errors of an accuracy
            of one half on 400 clips.
        drift: Bound of ``length`` and ``list``, as a factor up or down: twice or half of the start.
        collapse: Bound of ``variety``: half of the start.
        flat: Bound of ``flat``: 0.8 leaves a fifth of every batch to learn from.
        silent: Bound of ``silent``: a label that is right ten times as often as it is said.
        ngram: n of distinct-n, in tokens.
    """

    def __init__(
        self,
        monitor: str | None = None,
        mode: Literal["min", "max"] = "max",
        window: int = 50,
        fall: float = 0.05,
        drift: float = 2.0,
        collapse: float = 0.5,
        flat: float = 0.8,
        ngram: int = 2,
        silent: float = 0.1,
    ) -> None:
        if window < 1 or drift <= 1:
            raise ConfigError(
                f"`window` is {window} and `drift` is {drift}; choose a window of 1 or more "
                "rollouts and a factor above 1."
            )
        self.monitor = monitor
        self.mode = mode
        self.window = window
        self.bounds = {"fall": fall, "length": drift, "list": drift, "variety": collapse}
        self.bounds |= {"flat": flat, "silent": silent}
        self.ngram = ngram
        self.recent: list[list[float]] = []
        self.shares: list[list[list[float]]] = []
        self.quiet: list[str] = []
        self.start: list[float] = []
        self.best: list[float] = []
        self.levels = {"fall": 0.0}
        self.standing: list[str] = []
        self.calm: dict[str, int] = {}

    @override
    def state_dict(self) -> dict[str, Any]:
        """Keep windows, start, best and standing alarms over a resume."""
        kept = ("recent", "shares", "quiet", "start", "best", "levels", "standing", "calm")
        return {name: getattr(self, name).copy() for name in kept}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where the run stopped."""
        for name, value in state_dict.items():
            setattr(self, name, value.copy())

    @override
    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Measure a new rollout, log the curves, and warn of what has just passed its bound."""
        scored = outputs.get("scored") if isinstance(outputs, Mapping) else None
        if scored is None:
            return
        measured = measures(scored, self.ngram).to(pl_module.device)
        measured = trainer.strategy.reduce(measured, reduce_op="mean")
        self.recent = [*self.recent, measured.tolist()][-self.window :]
        shares = label_shares(scored.rollout).to(pl_module.device)
        shares = trainer.strategy.reduce(shares, reduce_op="mean")
        self.shares = [*self.shares, shares.tolist()][-self.window :]
        if len(self.recent) == self.window:
            self._compare()
            mean = torch.tensor(self.shares, dtype=torch.float64).mean(0)
            label, self.levels["silent"] = quietest(mean, scored.rollout.batch.options)
            self.quiet = [label]
        self.calm = {sign: rollouts + 1 for sign, rollouts in self.calm.items()}
        self._raise(trainer)
        shown = {f"watch/{sign}": level for sign, level in self.levels.items()}
        pl_module.log_dict({**shown, "watch/alarms": float(len(self.standing))})

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Compare the held-out score and the reward with those at the best score.

        Raises:
            ConfigError: No such score was logged.
        """
        if self.monitor is None or trainer.sanity_checking:
            return
        if self.monitor not in trainer.callback_metrics:
            known = sorted(key for key in trainer.callback_metrics if key.startswith("val/"))
            raise ConfigError(
                f"`monitor` of RewardWatch is {self.monitor!r}, which validation does not log; it "
                f"logs {known}."
            )
        score = float(trainer.callback_metrics[self.monitor])
        reward = self.average_recent()[0] if self.recent else math.nan
        lost = self.best[0] - score if self.best else 0.0
        lost = -lost if self.mode == "min" else lost
        if lost <= 0:
            self.best = [score, reward]
        self.levels["fall"] = lost if lost > 0 and reward > self.best[1] else 0.0
        self._raise(trainer)

    def average_recent(self) -> list[float]:
        """Return each measure averaged over the recent rollouts that have it."""
        return torch.tensor(self.recent, dtype=torch.float64).nanmean(0).tolist()

    def _compare(self) -> None:
        """Set the signs of training, relative to the start where they are ratios."""
        if not self.start:
            self.start = self.average_recent()
            if self.best and math.isnan(self.best[1]):  # validated before the first rollout
                self.best[1] = self.start[0]
        now = dict(zip(MEASURES, self.average_recent(), strict=True))
        start = dict(zip(MEASURES, self.start, strict=True))
        for name in ("length", "list", "variety"):
            self.levels[name] = ratio(now[name], start[name])
        self.levels["flat"] = now["flat"]

    def _beyond(self, sign: str) -> bool:
        """Tell whether a sign is beyond its bound."""
        level, bound = self.levels[sign], self.bounds[sign]
        if sign in ("length", "list"):
            return level >= bound or level <= 1 / bound
        return level <= bound if sign in ("variety", "silent") else level >= bound

    def _raise(self, trainer: Trainer) -> None:
        """Note which signs are beyond their bounds; warn of those that were not for a window."""
        self.standing = [sign for sign in self.levels if self._beyond(sign)]
        for sign in self.standing:
            rollouts, self.calm[sign] = self.calm.get(sign, self.window + 1), 0
            if rollouts > self.window:
                text = f"RewardWatch at step {trainer.global_step}: {self._sentence(sign)}"
                rank_zero_warn(text)
                for shown in media(trainer) if trainer.is_global_zero else []:
                    shown.add_text(f"watch/{sign}", text, trainer.global_step)

    def _sentence(self, sign: str) -> str:
        """Return what an alarm says: the thing, the value, the next step."""
        level, now, start = self.levels[sign], self.average_recent(), self.start
        if sign == "fall":
            return (
                f"the reward has risen from {self.best[1]:.3g} to {now[0]:.3g} while "
                f"{self.monitor} is {level:.3g} worse than its best of {self.best[0]:.3g}; the "
                f"policy may be gaming a reward: {LOOK}, or go back to the best checkpoint."
            )
        if sign == "flat":
            return (
                f"all responses earn the same in {level:.0%} of the groups, so that they teach "
                "nothing; give a reward finer steps, harder clips, or a higher "
                "`sampling.temperature`."
            )
        if sign == "silent":
            return (
                f"{self.quiet[0]!r} is said {level:.2g} times as often as it is the right answer, "
                "so that it earns little and gets rarer; balance labels (`loading.balance`), add "
                "gold replies (`demonstrations`), or raise `sampling.temperature`."
            )
        index = MEASURES.index(sign)
        what, to_do = {
            "length": ("tokens of a response", "if that is not wanted, add a reward for length"),
            "list": ("words in a list of answers", "if that is not wanted, reward short lists"),
            "variety": ("distinct n-grams", "the policy may say the same to every clip"),
        }[sign]
        return (
            f"{what} went from {start[index]:.3g} to {now[index]:.3g}, {level:.2f} times the "
            f"start; {to_do}: {LOOK}."
        )


def ratio(now: float, start: float) -> float:
    """Return how many times the start a value is; 1 where either is unknown or the start is 0."""
    return 1.0 if math.isnan(now) or math.isnan(start) or start == 0 else now / start


def measures(scored: ScoredRollout, ngram: int) -> Tensor:
    """Return `MEASURES` of a rollout, NaN where it has none. ``[5]`` float64."""
    rollout = scored.rollout
    words = [len(a) for group in rollout.answers for a in group if isinstance(a, tuple)]
    return torch.tensor(
        [
            scored.total.nanmean().item(),
            rollout.mask.sum(-1).double().mean().item(),
            sum(words) / len(words) if words else math.nan,
            variety(rollout, ngram),
            share_without_signal(scored.total),
        ],
        dtype=torch.float64,
    )


def variety(rollout: Rollout, ngram: int) -> float:
    """Return the share of distinct n-grams of tokens in all responses; NaN where there are none."""
    rows = rollout.tokens.flatten(0, 1).tolist()
    lengths = rollout.mask.sum(-1).flatten().tolist()
    return distinct([row[:length] for row, length in zip(rows, lengths, strict=True)], ngram)


def share_without_signal(total: Tensor) -> float:
    """Return the share of groups that teach nothing: equal rewards, or none. ``[B, G]``."""
    return (flat(total) | total.isnan().all(1)).double().mean().item()
