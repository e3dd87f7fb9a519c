"""In which order clips are read: the same for any number of processes, and resumable.

The order of an epoch is a function of (seed, epoch) alone. Rank r of W processes takes every
W-th clip from the r-th on, so that the batches of one step, taken together, hold the clips that
one process with W times the batch size would see in that step.
"""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any, cast

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from emolit.data.batch_transfer import register
from emolit.errors import AudioError, ConfigError
from emolit.seed import stream
from emolit.types import Batch


def placement() -> tuple[int, int]:
    """Return (rank, number of processes) of the default process group; (0, 1) without one."""
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1


def even(clips: int, batch_size: int, processes: int) -> int:
    """Return the size nearest to ``batch_size`` with which all processes have equally many batches.

    Of n clips some processes may have one more than others. Where weights are sharded, a process
    with a batch more would wait for the others forever.

    Example:
        5 clips, 2 processes, batches of 2: one has 3 clips, the other 2. Batches of 3 are even.

        >>> even(5, 2, 2)
        3
    """
    fewest, most = clips // processes, -(-clips // processes)
    sizes = [*range(batch_size, 0, -1), *range(batch_size + 1, most + batch_size + 1)]
    return next((size for size in sizes if -(-fewest // size) == -(-most // size)), batch_size)


class ClipSampler(DistributedSampler[int]):
    """Draws clips; Lightning leaves it in place since it is a ``DistributedSampler``.

    In evaluation the clips come in order and nothing is padded, repeated or dropped to make the
    ranks even: of n clips rank r of W has ``ceil((n - r) / W)``. In training every rank has
    ``floor(n / W)``, since its steps wait for the other ranks; a training loader drops its
    ragged last batch, and other clips fall to the end in the next epoch.
    Rank and number of processes are looked up when iteration begins.

    Args:
        groups: Number of clips of each corpus, which follow each other in the dataset.
        training: Whether to shuffle, anew in every epoch, and to keep the ranks even.
        seed: With the epoch it gives the order.
        weights: Share of each group in an epoch, of any sum; None reads every clip once. The
            epoch keeps its length; a group whose share exceeds its size is read repeatedly, one
            permutation after the other.
        place: (rank, number of processes) in place of the process group's, for tests.
        labels: Of every clip, for ``balance``.
        balance: How evenly the labels of a group share what it has in an epoch, 0 to 1: each of n
            clips has a share in proportion to ``n ** (1 - balance)``. A label with less than its
            share is read repeatedly.

    Attributes:
        tells_epoch: Whether the number of clips times the epoch is added to what is yielded, so
            that the dataset, in whatever worker, knows the epoch.
    """

    tells_epoch = False

    def __init__(
        self,
        groups: Sequence[int],
        training: bool = False,
        seed: int = 0,
        weights: Sequence[float] | None = None,
        place: tuple[int, int] | None = None,
        labels: Sequence[str | None] = (),
        balance: float = 0.0,
    ) -> None:
        self.groups = tuple(groups)
        self.size = sum(self.groups)
        counted = cast(Dataset[int], range(self.size))
        super().__init__(counted, num_replicas=1, rank=0, shuffle=training, seed=seed)
        self.quotas = self.groups if weights is None else quotas(self.size, weights)
        self.place = place
        self.labels = labels
        self.balance = balance
        self.start = 0

    def order(self) -> Tensor:
        """Return the clips of this epoch over all processes. ``[size]`` int64."""
        if not self.shuffle:
            return torch.arange(self.size)
        generator = stream(self.seed, self.epoch)
        drawn, offset = [], 0
        for group, quota in zip(self.groups, self.quotas, strict=True):
            for clips, share in self._strata(offset, group, quota):
                rounds = -(-share // len(clips)) if len(clips) else 0
                turns = [torch.randperm(len(clips), generator=generator) for _ in range(rounds)]
                drawn += [clips[torch.cat(turns)[:share]]] if turns else []
            offset += group
        every = torch.cat(drawn) if drawn else torch.arange(0)
        return every[torch.randperm(len(every), generator=generator)]

    def _strata(self, offset: int, group: int, quota: int) -> list[tuple[Tensor, int]]:
        """Return the clips of each label of a group, and how many an epoch draws of them."""
        if not self.balance or not group:
            return [(torch.arange(offset, offset + group), quota)]
        places: dict[str | None, list[int]] = {}
        for place in range(offset, offset + group):
            places.setdefault(self.labels[place], []).append(place)
        shares = quotas(quota, [len(each) ** (1 - self.balance) for each in places.values()])
        return [(torch.tensor(each), n) for each, n in zip(places.values(), shares, strict=True)]

    def __iter__(self) -> Iterator[int]:
        """Yield this rank's clips, from ``start`` on if it was set; the next epoch is whole."""
        rank, processes = self.place or placement()
        offset = self.epoch * self.size if self.tells_epoch else 0
        mine = (self.order()[rank::processes][: len(self)] + offset).tolist()
        begin, self.start = self.start, 0
        return iter(mine[begin:])

    def __len__(self) -> int:
        """Return the number of this rank's clips in a whole epoch."""
        rank, processes = self.place or placement()
        return self.size // processes if self.shuffle else len(range(rank, self.size, processes))


def quotas(total: int, weights: Sequence[float]) -> tuple[int, ...]:
    """Divide a number in proportion to weights, by largest remainder.

    Example:
        >>> quotas(10, [1.0, 2.0])
        (3, 7)
    """
    exact = [total * weight / sum(weights) for weight in weights]
    whole = [int(share) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda k: (whole[k] - exact[k], k))
    for k in by_remainder[: total - sum(whole)]:
        whole[k] += 1
    return tuple(whole)


class ClipLoader(DataLoader[Any]):
    """A loader that continues in the middle of an epoch, and may hand out a batch several times.

    Lightning stores ``state_dict`` with the loop and gives it back on ``ckpt_path``. The iterator
    begins with the first batch asked for, not when it is made: Lightning makes it before it tells
    the sampler which epoch it is.

    Attributes:
        repeats: How often each batch is handed out in a row; the epoch is as many times longer.
        batches: How many were handed out, every time counted.
        skips: Whether clips are left out whose files cannot be read any more.
        skipped: How often one was.
    """

    repeats = 1
    batches = 0
    skips = False
    skipped = 0
    waiting: dict[str, Any] | None = None

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]  # torch types its own iterator
        """Yield the batches of the epoch, or those that a restored epoch had left."""
        register()
        self.batches = self._take_start()
        whole, begun = divmod(self.batches, self.repeats)
        if isinstance(self.sampler, ClipSampler) and self.batch_size is not None:
            self.sampler.start = whole * self.batch_size
        for batch in super().__iter__():
            if not self._is_heard(batch):
                continue
            for _ in range(begun, self.repeats):
                self.batches += 1
                yield batch
            begun = 0

    def _is_heard(self, batch: Any) -> bool:
        """Say which clips a batch lacks; tell whether it has any.

        Raises:
            AudioError: A file cannot be read any more, and such clips are not left out. Or too
                little is left: a batch of training is short, or one of several processes, which may
                wait for each other, is empty.
        """
        problems = batch.unread if isinstance(batch, Batch) else ()
        if not problems:
            return True
        if not self.skips:
            raise AudioError(problems[0])
        self.skipped += len(problems)
        least = self.batch_size if self.drop_last else int(placement()[1] > 1)
        if len(batch) < (least or 0):
            raise AudioError(
                f"{len(problems)} clips of a batch cannot be read, and too few are left of it. The "
                f"last: {problems[-1]} Look at the disk; `loading.on_bad_audio` skips single files."
            )
        warnings.warn(
            f"{' '.join(problems)} Left out, as `loading.on_bad_audio` is skip: {self.skipped} "
            "clips since this run began to read them.",
            stacklevel=2,
        )
        return len(batch) > 0

    def __len__(self) -> int:
        """Return the number of batches of an epoch, every time counted."""
        return super().__len__() * self.repeats

    def _take_start(self) -> int:
        state, self.waiting = self.waiting, None
        if state is None:
            return 0
        done, epoch = int(state["batches"]), self._settings()["epoch"]
        if done >= len(self):
            return 0
        if done and state["epoch"] != epoch:
            raise ConfigError(
                f"The checkpoint stands behind batch {done} of {len(self)} of epoch "
                f"{state['epoch']}, and training would go on in epoch {epoch}: the rest would be "
                "lost. Resume with a task of emolit, or from a checkpoint that "
                "`every_n_train_steps` has written."
            )
        return done

    def _settings(self) -> dict[str, Any]:
        sampler = self.sampler
        if not isinstance(sampler, ClipSampler):
            return {"epoch": 0}
        processes = (sampler.place or placement())[1]
        return {
            "epoch": sampler.epoch,
            "seed": sampler.seed,
            "clips of each corpus": list(sampler.quotas),
            "clips a step": (self.batch_size or 1) * processes,
            "steps a batch": self.repeats,
            "balance": sampler.balance,
        }

    def state_dict(self) -> dict[str, Any]:
        """Return how many batches of which epoch were handed out, and what the order rests on."""
        now = {**self._settings(), "batches": self.batches}
        return now if self.waiting is None else {**now, **self.waiting}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue where another loader stopped.

        Raises:
            ConfigError: The order rests on other settings, and the epoch had begun.
        """
        now = self._settings()
        state = {"balance": 0.0, **state}  # files of before have none
        other = [key for key in now if key != "epoch" and state.get(key) != now[key]]
        if other and 0 < state["batches"] < len(self):
            was = ", ".join(f"{key} was {state.get(key)} and is {now[key]}" for key in other)
            raise ConfigError(
                f"The checkpoint stands in the middle of epoch {state['epoch']} and cannot be "
                f"continued exactly: {was}. Use the old settings, or a checkpoint taken at the "
                "end of an epoch."
            )
        self.waiting = state
