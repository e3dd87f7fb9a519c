"""Pictures out of videos; the truth is the gray of each part that PyAV's encoder was given."""

from types import SimpleNamespace

import pytest
import torch

from emolit.audio.video_frames import frames_at, pictures
from emolit.errors import AudioError
from tests.fakes.listing import write_tone
from tests.fakes.video import write_video

GRAYS = (20, 80, 140, 200)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "clip.mp4"
    return write_video(path, 1.92, grays=GRAYS, size=(64, 32))


def grays(found) -> list[int]:
    """Return the mean of each picture, to the nearest gray of the video."""
    means = [float(picture.float().mean()) for picture in found]
    return [min(GRAYS, key=lambda gray, mean=mean: abs(gray - mean)) for mean in means]


def test_pictures_are_spread_evenly_over_the_clip(video):
    found = pictures(video, 4, 448, 0.0, 1.92)
    assert (found.shape, found.dtype) == ((4, 3, 32, 64), torch.uint8)
    assert grays(found) == [*GRAYS]
    assert grays(pictures(video, 8, 448, 0.0, 1.92)) == [gray for gray in GRAYS for _ in range(2)]
    assert grays(pictures(video, 2, 448, 0.0, 1.2)) == [20, 80]
    assert grays(pictures(video, 1, 448, 0.0, 1.4)) == [80]


def test_a_segment_has_its_own_pictures(video):
    assert grays(pictures(video, 2, 448, 0.96, 0.96)) == [140, 200]
    assert grays(pictures(video, 3, 448, 0.5, 0.4)) == [80] * 3


def test_more_pictures_than_the_video_has_are_shown_twice(video):
    found = pictures(video, 100, 448, 0.0, 1.92)
    assert len(found) == 100
    assert grays(found) == [gray for gray in GRAYS for _ in range(25)]


def test_where_sound_is_longer_the_last_picture_stands(video):
    assert grays(pictures(video, 4, 448, 0.0, 3.0)) == [20, 140, 200, 200]


@pytest.mark.parametrize(("side", "shape"), [(32, (16, 32)), (64, (32, 64)), (10, (5, 10))])
def test_large_pictures_are_made_smaller_and_keep_their_ratio(video, side, shape):
    assert pictures(video, 1, side, 0.0, 1.92).shape[2:] == shape


def test_files_without_pictures_are_refused(tmp_path):
    write_tone(tmp_path / "a.wav")
    with pytest.raises(AudioError, match=r"a\.wav has no pictures, only sound"):
        pictures(tmp_path / "a.wav", 1, 448, 0.0, 1.0)
    (tmp_path / "b.mp4").write_bytes(b"no film")
    with pytest.raises(AudioError, match=r"b\.mp4 cannot be decoded"):
        pictures(tmp_path / "b.mp4", 1, 448, 0.0, 1.0)


@pytest.mark.parametrize(
    ("begins", "times", "expected"),
    [
        ([0, 1, 2, 3], [0.5, 2.5], [0, 2]),
        ([0, 1, 2, 3], [0.0, 3.0], [0, 3]),
        ([0, 1], [0.1, 0.2, 0.3, 5.0], [0, 0, 0, 1]),
        ([2, 3], [0.5, 2.5], [2, 2]),  # the first picture comes late
        ([], [0.5], []),
        ([1], [], []),
    ],
)
def test_the_frame_shown_is_the_last_that_has_begun(begins, times, expected):
    frames = [SimpleNamespace(time=time) for time in begins]
    assert [frame.time for frame in frames_at(frames, times)] == expected
