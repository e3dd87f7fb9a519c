import shutil
from functools import partial

import pytest

from emolit.corpora.cmu_mosei import LINES, WHOLE, CmuMosei
from emolit.data.dataset import LoaderSettings
from emolit.errors import CorpusError
from tests.corpora.test_polarity import set_up as set_up_as
from tests.fakes.listing import write_tone
from tests.fakes.sentiment import mosi_parts, write_merbench, write_whole

pytestmark = pytest.mark.filterwarnings("ignore:.* clips, the release has 22856")
set_up = partial(set_up_as, kind=CmuMosei)


@pytest.fixture
def release(tmp_path):
    folder = tmp_path / "cmu_mosei"
    write_merbench(folder, mosi_parts())
    (folder / "transcription-engchi-polish.csv").unlink()  # there is none of this corpus
    write_whole(folder, mosi_parts())
    return folder


def test_cuts_are_segments_of_whole_recordings(release, tmp_path):
    corpus = set_up(tmp_path)
    assert corpus.censuses[0].counts == {"train": 6, "val": 3, "test": 3}
    clip = corpus.clips("train")[4]
    assert (clip.id, clip.path) == ("-1x_2u3_1", f"{WHOLE}/-1x_2u3.wav")
    assert (clip.start, clip.end) == (0.25, 0.5)
    assert clip.seconds == pytest.approx(0.25)
    assert clip.transcript == "it's ___ok"
    assert {clip.video for clip in corpus.clips("train")} == {None}


def test_a_cut_with_a_file_of_its_own_is_taken_whole(release, tmp_path):
    write_tone(release / "Raw" / "208416" / "1.wav", 0.1)
    clips = set_up(tmp_path).clips("test")
    assert [clip.path for clip in clips] == [
        f"{WHOLE}/208416.wav", "Raw/208416/1.wav", f"{WHOLE}/208416.wav",
    ]  # fmt: skip
    assert (clips[1].start, clips[1].end) == (0.0, None)


def test_a_labeled_cut_without_line_is_reported(release, tmp_path):
    (release / LINES / "208416.txt").unlink()
    corpus = set_up(tmp_path, loading=LoaderSettings(on_bad_audio="skip"))
    assert corpus.censuses[0].counts["test"] == 0
    assert len(corpus.censuses[0].skipped) == 3
    assert "Raw/208416/0.mp4 is missing" in corpus.censuses[0].skipped[0]


@pytest.mark.parametrize(
    "line", ["208416___9___zero___1.0___no", "208416___9", "no line", "208416___9___nan___1___no"]
)
def test_a_line_that_is_no_cut_is_left_out_and_counted(release, tmp_path, caplog, line):
    file = release / LINES / "208416.txt"
    before = [clip.transcript for clip in set_up(tmp_path).clips("test")]
    file.write_text(f"{file.read_text()}\n{line}\n")
    with caplog.at_level("INFO"):
        assert [clip.transcript for clip in set_up(tmp_path).clips("test")] == before
    assert "1 lines of the transcripts are no cuts and left out, 1 of them in" in caplog.text


def test_a_text_with_another_kind_of_line_end_stays_whole(release, tmp_path):
    file = release / LINES / "208416.txt"
    first, *rest = file.read_text(encoding="utf-8").split("\n")
    file.write_text("\n".join([f"{first}\u2028and more", *rest]), encoding="utf-8")
    said = [clip.transcript for clip in set_up(tmp_path).clips("test")]
    assert [text.endswith("\u2028and more") for text in said] == [True, False, False]


def test_transcripts_of_another_kind_are_refused_by_name(release, tmp_path):
    file = release / LINES / "208416.txt"
    file.write_text("first\nsecond\n")
    with pytest.raises(CorpusError, match=r"208416\.txt has no line like .* is 'first'. Get the"):
        set_up(tmp_path)
    file.write_bytes("208416___0___0.0___0.2___don\u2019t".encode("cp1252"))
    with pytest.raises(CorpusError, match=r"208416\.txt is not UTF-8 at byte 28"):
        set_up(tmp_path)


def test_real_labels_are_as_they_were_counted(shared, tmp_path):
    folder = tmp_path / "cmu_mosei"
    shutil.copytree(shared / "annotations" / "merbench" / "cmumosei-process", folder)
    clips = list(CmuMosei().read(folder))
    parts = {split: [c for c in clips if c.split == split] for split in ("train", "val", "test")}
    assert {split: len(part) for split, part in parts.items()} == {
        "train": 16_326, "val": 1871, "test": 4659,
    }  # fmt: skip
    videos = [{clip.speaker for clip in part} for part in parts.values()]
    assert sum(map(len, videos)) == len(set.union(*videos))
    assert "208416" in set.union(*videos)
    assert len({clip.id for clip in clips}) == len(clips) == CmuMosei.size
