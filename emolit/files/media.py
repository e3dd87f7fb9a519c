"""Which recordings stand where: audio and video files of a release by name, whatever extension."""

from collections.abc import Iterable
from pathlib import Path

from emolit.audio.container import CONTAINERS
from emolit.files.disk import compose_accents

AUDIO = frozenset({".wav", ".flac", ".mp3", ".ogg", ".opus", ".aiff", ".aif"})
"""Extensions of audio files, in lower case."""


class Media:
    """The recordings in some folders of a release; hidden files are left alone.

    Args:
        folder: Of the release.
        places: Folders in it, as patterns of `Path.glob`: ``audio``, ``Raw/*``.

    Attributes:
        audio: Path without extension, accents composed, to path, of audio files; relative, with
            forward slashes.
        video: The same, of video containers.
    """

    def __init__(self, folder: Path, places: Iterable[str]) -> None:
        found = sorted({path for place in places for path in folder.glob(f"{place}/[!.]*")})
        names = [path.relative_to(folder) for path in found]
        kinds = (AUDIO, CONTAINERS)
        self.audio, self.video = (
            {compose_accents(path.with_suffix("").as_posix()): path.as_posix() for path in names
             if path.suffix.lower() in kind}
            for kind in kinds
        )  # fmt: skip

    def find(self, *stems: str) -> tuple[str, str | None]:
        """Return the file to hear and the one to see; audio is heard before the track of a video.

        Args:
            stems: Paths without extension under which the recording may stand.

        Returns:
            The file to hear, the first stem as MP4 where there is none, so that it is reported as
            missing; and the file to see, None where there is none.
        """
        keys = [compose_accents(stem) for stem in stems]
        audio = next((self.audio[stem] for stem in keys if stem in self.audio), None)
        video = next((self.video[stem] for stem in keys if stem in self.video), None)
        return audio or video or f"{stems[0]}.mp4", video
