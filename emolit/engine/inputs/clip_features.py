"""What is measured in a clip, once: vectors by the samples of clips, in memory and on disk."""

from collections.abc import Callable

import torch
from torch import Tensor

from emolit.engine.tensor_store import TensorStore, digest
from emolit.errors import PolicyError
from emolit.types import Batch

REMEMBERED = 20_000
"""Clips that are kept in memory."""


class ClipFeatures:
    """Measures clips, and remembers what it has measured.

    A clip is known by its samples, so a changed one is measured anew. Of sound that is drawn in
    every epoch anew nothing is remembered.

    Args:
        measure: From a waveform ``[samples]`` and its rate in Hz to a tensor.
        fingerprint: Returns what else a measurement follows from.
        store: Folder where measurements are kept between runs; None keeps none.
    """

    def __init__(
        self,
        measure: Callable[[Tensor, int], Tensor],
        fingerprint: Callable[[], str],
        store: str | None = None,
    ) -> None:
        self.measure = measure
        self.fingerprint = fingerprint
        self.store = None if store is None else TensorStore(store)
        self._known: dict[str, Tensor] = {}

    def __call__(self, batch: Batch) -> Tensor:
        """Return the measurements of B clips, on the host. ``[B, ...]``.

        Raises:
            PolicyError: A clip has no audio.
        """
        for clip, waveform in zip(batch.clips, batch.waveforms, strict=True):
            if not len(waveform):
                raise PolicyError(
                    f"The clip {clip.id!r} of {clip.corpus!r} has no audio, and nothing can be "
                    "measured in it; choose the policy `Majority`, or let the corpus serve audio."
                )
        look = self.measure if batch.augmented else self._of
        return torch.stack([look(each, batch.sampling_rate) for each in batch.waveforms])

    def _of(self, waveform: Tensor, rate: int) -> Tensor:
        key = digest(self.fingerprint(), waveform, rate)
        found = self._known.get(key)
        if found is None:
            found = self._stored(key)
        if found is None:
            found = self.measure(waveform, rate)
            if self.store is not None:
                self.store.save(key, {"features": found})
        if len(self._known) < REMEMBERED:
            self._known[key] = found
        return found

    def _stored(self, key: str) -> Tensor | None:
        entry = None if self.store is None else self.store.load(key)
        return None if entry is None else entry["features"]
