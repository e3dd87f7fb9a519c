import shutil

import pytest

from emolit.corpora.cmu_mosi import HEARD, SEEN, CmuMosi
from tests.corpora.test_polarity import set_up
from tests.fakes.listing import write_tone
from tests.fakes.sentiment import mosi_parts, write_merbench
from tests.fakes.video import write_video

pytestmark = pytest.mark.filterwarnings("ignore:.* clips, the release has 2199")


def test_cuts_with_names_of_their_own_are_found_in_the_folders_of_the_release(tmp_path):
    release = tmp_path / "cmu_mosi"
    write_merbench(release, mosi_parts())
    ids = [f"{video}_{n}" for listed in mosi_parts().values() for video, n in listed]
    for name in ids[1:]:
        write_tone(release / HEARD / f"{name}.wav")
    write_video(release / SEEN / f"{ids[0]}.mp4")
    write_video(release / SEEN / f"{ids[1]}.mp4")
    corpus = set_up(tmp_path)
    clips = {clip.id: clip for clip in corpus.clips("train")}
    assert clips[ids[0]].path == clips[ids[0]].video == f"{SEEN}/{ids[0]}.mp4"
    assert clips[ids[1]].path == f"{HEARD}/{ids[1]}.wav"
    assert clips[ids[1]].video == f"{SEEN}/{ids[1]}.mp4"
    assert clips[ids[2]].video is None


@pytest.fixture
def real(shared, tmp_path):
    folder = tmp_path / "cmu_mosi"
    shutil.copytree(shared / "annotations" / "merbench" / "cmumosi-process", folder)
    return folder


def test_real_labels_are_as_they_were_counted(real):
    clips = CmuMosi().partition(list(CmuMosi().read(real)))
    parts = {split: [c for c in clips if c.split == split] for split in ("train", "val", "test")}
    assert {split: len(part) for split, part in parts.items()} == {
        "train": 1284, "val": 229, "test": 686,
    }  # fmt: skip
    videos = {split: {clip.speaker for clip in part} for split, part in parts.items()}
    assert {split: len(found) for split, found in videos.items()} == {
        "train": 52, "val": 10, "test": 31,
    }  # fmt: skip
    assert len(set.union(*videos.values())) == 93
    assert len(clips) == CmuMosi.size == len({clip.id for clip in clips})
    assert all(clip.transcript and clip.sentiment is not None for clip in clips)
    assert (min(c.sentiment for c in clips), max(c.sentiment for c in clips)) == (-3.0, 3.0)
