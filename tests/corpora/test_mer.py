"""What all tables of the MER challenges share, on a tiny MER-Caption+."""

from dataclasses import replace

import pytest

from emolit.corpora.mer_caption import MerCaption
from emolit.data.dataset import LoaderSettings
from emolit.errors import AudioError, ConfigError, CorpusError
from emolit.prompts.base import Prompt
from tests.fakes.mer import REASON, SAID, names, write_open, write_rows
from tests.fakes.video import write_video

pytestmark = pytest.mark.filterwarnings("ignore:.* clips, the release has")
TABLE = "track2_train_mercaptionplus.csv"
OPEN = {"speaker_independent": False}


class Words(Prompt):
    """A question without options."""

    layout = "…"

    def render(self, clip, options):
        return "Which emotions?"

    def parse(self, response, options):
        return response

    def target(self, clip):
        return ", ".join(clip.words) or None


def set_up(root, kind=MerCaption, **settings):
    corpus = kind(root=str(root), **{**OPEN, **settings})
    corpus.prepare_data()
    corpus.setup()
    return corpus


@pytest.fixture
def release(tmp_path):
    write_open(tmp_path / "mer2025", "mercaptionplus")
    return tmp_path / "mer2025"


def test_rows_become_words_reasons_and_transcripts(release):
    clips = {clip.id: clip for clip in MerCaption().read(release)}
    assert [*clips] == names(30)
    clip = clips["sample_00000000"]
    assert clip.words == ("pleasurable", "self-deprecating", "relaxed")
    assert (clip.label, clip.speaker, clip.sentiment) == (None, None, None)
    assert (clip.path, clip.video) == ("audio/sample_00000000.wav", None)
    assert (clip.reason, clip.transcript) == (REASON, SAID[1])
    assert clips["sample_00000028"].words == ("neutral",)  # an empty list
    assert clips["sample_00000203"].transcript is None
    other = next(MerCaption(subtitles="chinese").read(release))
    assert other.transcript == SAID[0]


def test_a_tenth_is_held_out_for_validation_and_the_same_one_always(release, tmp_path):
    corpus = set_up(tmp_path)
    assert corpus.censuses[0].counts == {"train": 27, "val": 3, "test": 0}
    again = set_up(tmp_path, loading=LoaderSettings(batch_size=3))
    assert again.clips("val") == corpus.clips("val")
    assert not corpus.censuses[0].speaker_independent
    assert corpus.taxonomy.labels == ()


def test_unknown_speakers_in_two_parts_must_be_allowed(release, tmp_path):
    with pytest.raises(CorpusError, match=r"who speaks in .*: its splits train, val may share"):
        set_up(tmp_path, speaker_independent=True)
    corpus = set_up(tmp_path, speaker_independent=True, use="test")
    assert corpus.censuses[0].counts == {"train": 0, "val": 0, "test": 30}


def test_clips_of_a_test_are_left_out_by_name_and_counted(release, tmp_path, caplog):
    listed = [*names(4), "sample_99999999"]
    write_rows(tmp_path / "test.csv", ("name", "openset"), [(name, "[]") for name in listed])
    with caplog.at_level("INFO", logger="lightning.pytorch"):
        corpus = set_up(tmp_path, leave_out="test.csv")
    served = {clip.id for split in ("train", "val", "test") for clip in corpus.clips(split)}
    assert served == set(names(30)) - set(listed)
    assert "4 clips left out, as test.csv names them" in caplog.text
    assert corpus.censuses[0].outside == 4
    with pytest.raises(CorpusError, match=r"looked for .*/none\.csv\. Set `leave_out`"):
        set_up(tmp_path, leave_out="none.csv")


def test_any_other_table_and_release_can_be_named(release, tmp_path):
    write_rows(release / "human.csv", ("name", "openset"), [(names(3)[2], "['calm']")])
    corpus = set_up(tmp_path, table="human.csv", use="test", name="human")
    (clip,) = corpus.clips("test")
    assert (clip.words, clip.corpus, clip.reason) == (("calm",), "human", REASON)
    release.rename(tmp_path / "mer2026")
    other = set_up(tmp_path, release="mer2026", use="test")
    assert len(other.clips("test")) == 30


def test_video_is_heard_where_there_is_no_audio_and_remembered_to_be_seen(release, tmp_path):
    name = names(1)[0]
    (release / "audio" / f"{name}.wav").unlink()
    write_video(release / "video" / f"{name}.mp4")
    write_video(release / "video" / f"{names(2)[1]}.mp4")
    clips = {clip.id: clip for clip in set_up(tmp_path, use="test").clips("test")}
    assert clips[name].path == clips[name].video == f"video/{name}.mp4"
    assert clips[names(2)[1]].path == f"audio/{names(2)[1]}.wav"
    assert clips[names(2)[1]].video == f"video/{names(2)[1]}.mp4"
    assert clips[name].seconds == pytest.approx(0.25, abs=0.05)


def test_a_listed_clip_without_recording_is_counted_and_named(release, tmp_path):
    (release / "audio" / f"{names(1)[0]}.wav").unlink()
    corpus = set_up(tmp_path, loading=LoaderSettings(on_bad_audio="skip"))
    (problem,) = corpus.censuses[0].skipped
    assert "audio/sample_00000000.mp4 is missing" in problem


def test_a_changed_table_is_read_anew(release, tmp_path):
    set_up(tmp_path)
    write_rows(release / TABLE, ("name", "openset"), [(name, "['calm']") for name in names(9)])
    clips = set_up(tmp_path, use="test").clips("test")
    assert {clip.words for clip in clips} == {("calm",)} and len(clips) == 9


@pytest.mark.parametrize(
    ("header", "row", "words"),
    [
        (("name", "words"), ("a", "[]"), "the column 'openset' is missing"),
        (("name", "openset"), ("", "[]"), "row 2: 'name' is empty"),
        (("name", "openset"), ("a",), "row 2: 1 fields under 2 columns"),
        (
            ("name", "openset", "discrete"),
            ("a", "[]", "boredom"),
            "row 2: the emotion 'boredom' is none of angry",
        ),
        (
            ("name", "openset", "valence"),
            ("a", "[]", "high"),
            "row 2: 'valence' is 'high', no number",
        ),
    ],
)
def test_a_wrong_table_is_named(release, tmp_path, header, row, words):
    write_rows(release / TABLE, header, [row])
    with pytest.raises(CorpusError, match=rf"mercaptionplus\.csv, .*{words}"):
        set_up(tmp_path)


def test_a_name_that_stands_twice_is_refused(release, tmp_path):
    write_rows(release / TABLE, ("name", "openset"), [("a", "['x']"), ("a", "['y']")])
    with pytest.raises(CorpusError, match="row 3: 'name' is 'a', as in row 2 already"):
        set_up(tmp_path)


def test_a_missing_table_and_unknown_settings_are_refused(release, tmp_path):
    with pytest.raises(CorpusError, match=r"looked for .*/my\.csv\. Set `table`"):
        set_up(tmp_path, table="my.csv")
    with pytest.raises(ConfigError, match="`use` of MerCaption is 'val'; choose one of"):
        MerCaption(use="val")
    with pytest.raises(ConfigError, match="`subtitles` of MerCaption is 'french'"):
        MerCaption(subtitles="french")


def test_pictures_are_served_and_a_missing_video_is_refused_or_counted(release, tmp_path):
    named = names(30)
    for name in named[1:]:
        write_video(release / "video" / f"{name}.mp4")
    (release / "video" / f"{named[1]}.mp4").write_bytes(b"no film")
    set_up(tmp_path)  # who does not see does not mind
    loading = LoaderSettings(frames=2, batch_size=2)
    with pytest.raises(AudioError, match=rf"2 of 30 clips .*{named[0]} has no video\. Get it, or"):
        set_up(tmp_path, loading=loading)
    loading = replace(loading, on_bad_audio="skip")
    corpus = set_up(tmp_path, loading=loading, prompt=Words())
    first, second = corpus.censuses[0].skipped
    assert first.startswith(f"{named[0]} has no video.")
    assert f"{named[1]}.mp4 cannot be decoded" in second
    batch = next(iter(corpus.train_dataloader()))
    assert [found.shape for found in batch.frames] == [(2, 3, 16, 16)] * 2
