"""Whether the recordings of clips can be used, and how long they are.

Names and tables of a release are read at every start, which takes moments: so nothing that a
reader makes of them is ever out of date. To decode all audio takes minutes: the durations found
are kept in the user's cache, in a JSON file a corpus folder, by recording, which is its path, size
and time of change, and the segment that the clip is. New and changed recordings are decoded, and
those that could not be used are tried again; nothing else is. The cache is dispensable: where it
cannot be written, or there is no home for it, that is said and all is decoded at every start.

Many clips are decoded by many processes. What is found is kept every half minute, so a first
reading that is stopped goes on from there.
"""

import hashlib
import json
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from pathlib import Path
from uuid import uuid4

from emolit.audio import container, limits
from emolit.audio import decoding as audio
from emolit.audio import video_frames as frames
from emolit.data.decoding_pool import decoding_processes, look_at
from emolit.errors import AudioError
from emolit.files.listing import State, file_states
from emolit.types import Clip

CHECKS = (audio, container, limits, frames)
"""Modules that say what can be used: where one of them changes, all is decoded anew."""
KEPT_EVERY = 30.0
"""Seconds of decoding after which what is found is kept."""


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
        self, clips: Sequence[Clip], announce: Callable[[str], object] | None = None
    ) -> tuple[AudioRecord, ...]:
        """Return the clips with their durations, or with what is wrong with them.

        Args:
            clips: Of the corpus.
            announce: Is told how many will be decoded, unless there are none, and every half
                minute how far that is.
        """
        recordings = self.recordings(clips)
        kept = [self.durations.get(recording) for recording in recordings]
        found = [
            AudioRecord(replace(clip, seconds=seconds))
            for clip, seconds in zip(clips, kept, strict=True)
        ]
        new = [i for i, clip in enumerate(clips) if clip.path and kept[i] is None]
        if new:
            good = dict(self.durations)
            waiting = [clips[i] for i in new]
            try:
                for place, record in self._look_at(waiting, good, announce or (lambda _: None)):
                    found[new[place]] = record
                    if record.clip.seconds is not None:
                        good[recordings[new[place]]] = record.clip.seconds
            finally:  # also where somebody stops it
                if good.keys() - self.durations.keys():
                    self._keep(good)
        return tuple(found)

    def _look_at(
        self, clips: Sequence[Clip], good: Mapping[str, float], announce: Callable[[str], object]
    ) -> Iterator[tuple[int, AudioRecord]]:
        """Decode clips; keep what is found meanwhile, and say how far it is, every so often.

        Args:
            clips: Those to decode.
            good: Durations found, to which the caller adds.
            announce: Is told.
        """
        processes = decoding_processes(len(clips))
        announce(
            f"checking the audio of {len(clips)} clips"
            + (f" in {processes} processes" if processes else "")
        )
        start = kept = time.monotonic()
        for done, (place, record) in enumerate(look_at(self.look, clips, processes), 1):
            yield place, record
            if (now := time.monotonic()) - kept > KEPT_EVERY and done < len(clips):
                left = (now - start) * (len(clips) - done) / done
                announce(f"{done} of {len(clips)} clips checked, about {render_time(left)} left")
                self._keep(good)
                kept = time.monotonic()

    def _keep(self, durations: Mapping[str, float]) -> None:
        """Add durations to the cache, or say that it is not used.

        What another process has found meanwhile stays.
        """
        try:
            save(self.cache_file, {**load(self.cache_file), **durations})
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

    def recordings(self, clips: Sequence[Clip]) -> list[str]:
        """Return what durations belong to: the files of each clip as they are now, its segment.

        Example:
            >>> AudioCheck("mine", Path("nowhere")).recordings([Clip("a", "mine", "wav/a.wav")])
            ['wav/a.wav missing 0.0 None']
        """
        files = [self._files(clip) for clip in clips]
        base = str(self.folder)
        places = {file: os.path.join(base, file) for each in files for file in each}  # noqa: PTH118
        states = file_states(places.values())
        return [
            " ".join(
                (
                    *(f"{file} {_render_state(states.get(places[file]))}" for file in each),
                    str(clip.start),
                    str(clip.end),
                )
            )
            for clip, each in zip(clips, files, strict=True)
        ]

    def _files(self, clip: Clip) -> tuple[str, ...]:
        return (clip.path, clip.video or "no video") if self.seeing else (clip.path,)


def _render_state(state: State | None) -> str:
    return "missing" if state is None else f"{state[0]} {state[1]}"


def render_time(seconds: float) -> str:
    """Return a time as people say it.

    Example:
        >>> [render_time(seconds) for seconds in (40, 700, 9000)]
        ['1 min', '12 min', '2.5 h']
    """
    return f"{seconds / 3600:.1f} h" if seconds > 5400 else f"{max(1, seconds / 60):.0f} min"


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
        draft.write_text(json.dumps(durations), encoding="utf-8")
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)
