"""The curves of rollouts, and those of rewards, from numbers that add up over processes."""

from collections.abc import Sequence

import torch
from torch import Tensor

from emolit.rewards import Reward
from emolit.rl.functional import masked_mean
from emolit.rl.schedule import Schedule
from emolit.types import Rollout, ScoredRollout


def rollout_curves(scored: ScoredRollout) -> dict[str, Tensor]:
    """Return what a person watches of the responses: shares, mean entropy, answers.

    On the rollout's device: what logs averages them over processes, and NCCL refuses the host's.
    """
    rollout = scored.rollout
    readable = [answer is not None for group in rollout.answers for answer in group]
    values = {
        "train/flat_groups": (scored.advantages == 0).all(1).float().mean(),
        "train/parse_rate": rollout.mask.new_tensor(readable).float().mean(),
        "train/unfinished": (~rollout.finished).float().mean(),
    }
    if rollout.entropy is not None:
        values["train/entropy"] = masked_mean(rollout.entropy, rollout.mask)
    return values


def answer_curves(rollout: Rollout, labels: Sequence[str]) -> dict[str, Tensor]:
    """Return ``said/<label>``: the share of the responses that answer with a label.

    What is missing to 1 is unreadable.

    Args:
        rollout: The responses, with their answers.
        labels: The options of the question, the same on every process.
    """
    answers = [answer for group in rollout.answers for answer in group]
    shares = [answers.count(label) / len(answers) for label in labels]
    values = torch.tensor(shares, device=rollout.mask.device)
    return {f"said/{label}": value for label, value in zip(labels, values, strict=True)}


def length_curves(lengths: Tensor, finished: Tensor) -> dict[str, Tensor]:
    """Return how long responses are, in tokens, and those that ended by themselves.

    Args:
        lengths: Number of tokens of each response. ``[N]``
        finished: True where a response ended by itself. ``[N]``

    Returns:
        ``tokens/<what>`` of all, ``tokens/finished_<what>`` of those that ended, if there are any.

    Example:
        >>> found = length_curves(torch.tensor([2, 4, 9]), torch.tensor([True, True, False]))
        >>> found["tokens/mean"].item(), found["tokens/finished_max"].item()
        (5.0, 4.0)
    """
    values = {f"tokens/{name}": value for name, value in _extent(lengths.float()).items()}
    ended = lengths[finished.bool()].float()
    if len(ended):
        values |= {f"tokens/finished_{name}": value for name, value in _extent(ended).items()}
    return values


def _extent(lengths: Tensor) -> dict[str, Tensor]:
    """Return mean and quantiles. ``[N]`` float32."""
    shares = lengths.new_tensor([0.0, 0.5, 0.9, 1.0])
    quantiles = zip(("min", "median", "p90", "max"), lengths.quantile(shares), strict=True)
    return {"mean": lengths.mean(), **dict(quantiles)}


def sampling_gap(scored: ScoredRollout) -> tuple[Tensor, Tensor] | None:
    """Return by how many nats sampling and scoring differ on a token, mean and largest.

    None where nothing was scored by the weights that sampled.
    """
    if scored.sampled is None:
        return None
    rollout = scored.rollout
    apart = (rollout.behavior - scored.sampled).abs().where(rollout.mask, 0.0).float()
    return apart.sum() / rollout.mask.sum().clamp(min=1), apart.max()


def tally(scores: Tensor) -> Tensor:
    """Count, add and add squared what is not NaN.

    Args:
        scores: R rewards. ``[R, B, G]``

    Returns:
        ``[R, 3]`` float64: number, sum, sum of squares.
    """
    wide = scores.double().flatten(1)
    known = ~wide.isnan()
    values = wide.where(known, 0.0)
    return torch.stack((known.sum(1), values.sum(1), values.square().sum(1)), dim=1)


def mean_and_deviation(tallied: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and population standard deviation. ``[R, 3]`` -> twice ``[R]`` float32.

    NaN where nothing was scored.

    Example:
        >>> mean, deviation = mean_and_deviation(tally(torch.tensor([[[1.0, 3.0, torch.nan]]])))
        >>> mean.item(), deviation.item()
        (2.0, 1.0)
    """
    number, total, squares = tallied.unbind(1)
    mean = total / number
    return mean.float(), (squares / number - mean.square()).clamp(min=0).sqrt().float()


def sums(rewards: Sequence[Reward], scored: ScoredRollout) -> Tensor:
    """Return all that the curves are made of; those of several processes add up.

    Returns:
        On the host, as long on every process, whatever was scored there. ``[3 + 3 * R + counts]``
    """
    rows = [scored.total, *(scored.rewards[reward.name] for reward in rewards)]
    counts = [reward.counts[what] for reward in rewards for what in reward.counted_names]
    tallied = tally(torch.stack(rows).cpu()).flatten()
    return torch.cat((tallied, torch.tensor(counts, dtype=tallied.dtype)))


def curves(rewards: Sequence[Reward], summed: Tensor, progress: float) -> dict[str, Tensor]:
    """Return the curves by name; those of a reward that applied to nothing are missing.

    ``train/reward`` and ``train/reward_sd`` are the total's, ``reward/<name>`` and
    ``reward/<name>_sd`` those of each reward, unweighted. ``reward/<name>_weight`` shows a weight
    that changes, ``reward/<name>_unscored`` the failures that were skipped, and others what a
    reward counts as it scores.

    Args:
        rewards: In the order of `sums`.
        summed: What `sums` returns, added up over processes.
        progress: Share of the training that is over, 0 to 1.
    """
    names = ["train/reward", *(f"reward/{reward.name}" for reward in rewards)]
    moments, counts = summed[: 3 * len(names)], summed[3 * len(names) :]
    mean, deviation = mean_and_deviation(moments.view(-1, 3))
    found = {name: mean[place] for place, name in enumerate(names)}
    found |= {f"{name}_sd": deviation[place] for place, name in enumerate(names)}
    counted = [f"reward/{each.name}_{what}" for each in rewards for what in each.counted_names]
    found |= dict(zip(counted, counts.float(), strict=True))
    for reward in rewards:
        if isinstance(reward.weight, Schedule):
            now = torch.tensor(reward.weight_at(progress), dtype=torch.float32)
            found[f"reward/{reward.name}_weight"] = now
    return {name: value for name, value in found.items() if not value.isnan()}
