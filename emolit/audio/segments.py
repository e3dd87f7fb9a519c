"""Segments of long recordings, decoded one behind the other without going back to the start.

A window of a film of two hours would otherwise be reached by decoding all that stands before it:
containers and some compressed formats cannot seek to a sample.
"""

from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from emolit.audio.decoding import BLOCK, Opened, mix_down, open_audio, resample
from emolit.errors import AudioError

Frames = NDArray[np.float32]
"""``[samples, channels]``"""


class SegmentReader:
    """Decodes segments; as long as they come in rising order a file is read once.

    No more is held than from the start of the last segment to its end. A segment is what
    `emolit.audio.decoding.decode` makes of it. One file is open at a time.

    Args:
        sampling_rate: Of the waveforms returned, in Hz.
    """

    def __init__(self, sampling_rate: int) -> None:
        self.sampling_rate = sampling_rate
        self._stack = ExitStack()
        self._path: Path | None = None
        self._start, self._first = 0.0, 0
        self._held: Frames = np.zeros((0, 1), np.float32)

    def read(self, path: Path, start: float, end: float) -> Tensor:
        """Return a segment as one mono waveform.

        Args:
            path: The file.
            start: Where the segment begins, in seconds.
            end: Where it ends, in seconds; the file may end before.

        Returns:
            float32, the mean of all channels. ``[samples]``

        Raises:
            AudioError: The file cannot be decoded, or ends before the segment begins.
        """
        if path != self._path or start < self._start:
            self._open(path)
        rate = int(self._file.samplerate)
        first, count = round(start * rate), round((end - start) * rate)
        self._read_to(first, first + count)
        frames = self._held[first - self._first : first - self._first + count]
        if not len(frames):
            raise AudioError(f"{path} has no samples behind {start:.2f} s. Copy the file again.")
        self._held, self._first, self._start = frames, first, start
        return resample(mix_down(path, frames, end)[1], rate, self.sampling_rate)

    def close(self) -> None:
        """Close the file that is open."""
        self._stack.close()
        self._path, self._start, self._first = None, 0.0, 0
        self._held = np.zeros((0, 1), np.float32)

    def _open(self, path: Path) -> None:
        self.close()
        self._file: Opened = self._stack.enter_context(open_audio(path))
        self._path = path

    def _read_to(self, first: int, last: int) -> None:
        """Hold the frames from the first, which none before is needed of, to the last."""
        at = self._first + len(self._held)  # where the file stands
        while at < first and (read := len(self._next(min(BLOCK, first - at)))):
            at += read
            self._held, self._first = self._held[:0], at
        if at >= last:
            return
        more = self._next(last - at)
        self._held = np.concatenate([self._held, more]) if len(self._held) else more

    def _next(self, frames: int) -> Frames:
        found: Frames = self._file.read(frames, dtype="float32", always_2d=True)
        return found
