"""Whether the recordings of clips can be used, and how long they are.

Names and tables of a release are read at every start, which takes moments: so nothing that a
reader makes of them is ever out of date. To decode all audio takes minutes: the durations found
are kept in the user's cache, in a JSON file a corpus folder, by recording, which is its path, size
and time of change, and the segment that the clip is. New and changed recordings are decoded, and
those that could not be used are tried again; nothing else is. The cache is dispensable: where it
cannot be written, or there is no home for it, that is said and all is decoded at every start.
"""

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from pathlib import Path
from uuid import uuid4

from emolit.audio import decoding as audio

from emolit.audio import container, limits
from emolit.audio import video_frames as frames
from emolit.errors import AudioError
from emolit.types import Clip

CHECKS = (audio, container, limits, frames)
"""Modules that say what can be used: where one of them changes, all is decoded anew."""


@dataclass(frozen=True)
class AudioRecord:
    """A clip of a release and whether its audio can be used.

    Attributes:
        clip: The clip, without split unless the release itself states one.
        problem: Why its audio cannot be used, as a sentence; None if it can.
    """

    clip: Clip
    problem: str | None = None


@dataclass(frozen=True)
class AudioCheck:
    """Looks at the recordings of a corpus, and remembers those that are good.

    Attributes:
        corpus: Its name.
        folder: What paths of its clips are relative to.
        seeing: Whether videos are wanted too; the picture in the middle of each is then decoded.
    """

    corpus: str
    folder: Path
    seeing: bool = False

    @cached_property
    def durations(self) -> Mapping[str, float]:
        """Durations of the good recordings in seconds, by `recording`, as the cache has them."""
        try:
            return load(self.cache_file)
        except OSError:
            return {}

    @property
    def cache_file(self) -> Path:
        """The file in the cache, which belongs to the folder and to the code that decodes.

        Raises:
            FileNotFoundError: There is no place for a cache.
        """
        code = (Path(module.__file__ or "").read_bytes() for module in CHECKS)
        key = b"\n".join([str(self.folder.resolve()).encode(), *code])
        return cache_folder() / f"{self.corpus}-{hashlib.sha256(key).hexdigest()[:16]}.json"

    def entries(
        self, clips: Sequence[Clip], announce: Callable[[int], object] | None = None
    ) -> tuple[AudioRecord, ...]:
        """Return the clips with their durations, or with what is wrong with them.

        Args:
            clips: Of the corpus.
            announce: Is told how many will be decoded, unless there are none.
        """
        recordings = [self.recording(clip) for clip in clips]
        new = sum(
            bool(clip.path) and recording not in self.durations
            for clip, recording in zip(clips, recordings, strict=True)
        )
        if new and announce is not None:
            announce(new)
        found: list[AudioRecord] = []
        good: dict[str, float] = {}
        for clip, recording in zip(clips, recordings, strict=True):
            seconds = self.durations.get(recording)
            entry = (
                self.look(clip) if seconds is None else AudioRecord(replace(clip, seconds=seconds))
            )
            found.append(entry)
            if entry.clip.seconds is not None:
                good[recording] = entry.clip.seconds
        if good.keys() - self.durations.keys():
            self._keep({**self.durations, **good})
        return tuple(found)

    def _keep(self, durations: Mapping[str, float]) -> None:
        """Write durations into the cache, or say that it is not used."""
        try:
            save(self.cache_file, durations)
        except OSError as error:
            warnings.warn(
                f"The durations of {self.corpus!r} were not kept ({error}): all audio is decoded "
                "again at the next start. Set EMOLIT_CACHE to a folder that can be written.",
                stacklevel=2,
            )

    def look(self, clip: Clip) -> AudioRecord:
        """Decode a clip; return it with its duration, or with what is wrong with it.

        A clip that is text alone has no duration.
        """
        if not clip.path:
            return AudioRecord(clip)
        try:
            seconds = audio.check(self.folder / clip.path, clip.start, clip.end)
            if self.seeing:
                self._see(clip, seconds)
            return AudioRecord(replace(clip, seconds=seconds))
        except AudioError as error:
            return AudioRecord(clip, str(error))

    def _see(self, clip: Clip, seconds: float) -> None:
        """Decode one picture of a clip.

        Raises:
            AudioError: It has no video, or one that cannot be used.
        """
        if clip.video is None:
            raise AudioError(f"{clip.id} has no video. Get it, or set `loading.frames` to 0.")
        frames.pictures(self.folder / clip.video, 1, 64, clip.start, seconds)

    def recording(self, clip: Clip) -> str:
        """Return what a duration belongs to: the files of a clip as they are now, and its segment.

        Example:
            >>> AudioCheck("mine", Path("nowhere")).recording(Clip("a", "mine", "wav/a.wav"))
            'wav/a.wav missing 0.0 None'
        """
        files = [clip.path, clip.video or "no video"] if self.seeing else [clip.path]
        states = (f"{file} {_state(self.folder / file)}" for file in files)
        return " ".join((*states, str(clip.start), str(clip.end)))


def _state(file: Path) -> str:
    """Return size and time of change."""
    try:
        stat = file.stat()
    except (OSError, ValueError):  # also a name that no file can have; `audio.check` says why
        return "missing"
    return f"{stat.st_size} {stat.st_mtime_ns}"


def cache_folder() -> Path:
    """Return ``$EMOLIT_CACHE``, by default ``~/.cache/emolit``.

    Raises:
        FileNotFoundError: The user has no home, and ``EMOLIT_CACHE`` names no folder without one.
    """
    folder = Path(os.environ.get("EMOLIT_CACHE") or "~/.cache/emolit")
    try:
        return folder.expanduser()
    except RuntimeError as error:
        raise FileNotFoundError(f"there is no home for {folder}") from error


def load(place: Path) -> dict[str, float]:
    """Return the durations kept in a file; none where it is missing or damaged."""
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, RecursionError, ValueError):  # also what is no JSON or no UTF-8
        return {}
    durations = found if isinstance(found, dict) else {}
    return {key: s for key, s in durations.items() if isinstance(s, float) and 0 <= s < inf}


def save(place: Path, durations: Mapping[str, float]) -> None:
    """Write durations beside their place, then rename: nobody reads half a file.

    Args:
        place: Where they shall stand; missing folders are made.
        durations: In seconds, by recording.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f".{place.name}.{uuid4().hex}")
    try:
        draft.write_text(json.dumps(durations, indent=0), encoding="utf-8")
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)
