"""Sound that is altered on purpose: noise, rooms, speed, codecs, by any library's transforms.

A transform is anything that takes samples and a rate and returns samples, such as a class of
audiomentations. What it draws from the global streams of Python, numpy and torch follows from a
key, and the streams go on as if nothing was drawn (`emolit.seed.drawing_from`).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from emolit.errors import AudioError
from emolit.seed import drawing_from

Transform = Callable[..., Any]
"""From mono samples ``[T]`` float32 and their rate in Hz to altered samples ``[T']``."""


def alter(
    waveform: Tensor, rate: int, transforms: Sequence[Transform], key: Sequence[object], name: str
) -> Tensor:
    """Return a waveform behind transforms, one after the other. ``[T]`` -> ``[T']`` float32.

    What becomes louder than full scale is scaled back to it as a whole, so that ratios such as that
    of signal to noise hold.

    Args:
        waveform: Mono, in [-1, 1].
        rate: In Hz.
        transforms: At least one.
        key: What all that is drawn follows from.
        name: Of the clip, for errors.

    Raises:
        AudioError: A transform returned what is no sound.
    """
    samples = waveform.numpy()
    with drawing_from(*key):
        for transform in transforms:
            before, samples = samples, np.asarray(transform(samples.copy(), rate), np.float32)
            if problem := _problem_of(samples, before):
                called = getattr(transform, "__name__", type(transform).__name__)
                raise AudioError(
                    f"The transform {called} made {problem} of the clip {name}; change its "
                    "settings, or leave it out of `loading`."
                )
    peak = max(1.0, float(np.abs(samples).max(initial=0.0)))
    return torch.from_numpy(np.ascontiguousarray(samples / np.float32(peak)))


def _problem_of(samples: Any, before: Any) -> str | None:
    """Return what is wrong with samples; None where nothing is."""
    if samples.ndim != 1:
        return f"an array of shape {list(samples.shape)}, which is not mono,"
    if not np.isfinite(samples).all():
        return "samples that are not finite"
    return "silence" if before.any() and not samples.any() else None
