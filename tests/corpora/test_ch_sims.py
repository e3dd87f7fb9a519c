import shutil
from collections import Counter
from functools import partial

import pytest

from emolit.corpora.ch_sims import ChSims
from emolit.errors import ConfigError, CorpusError
from tests.corpora.test_polarity import set_up as set_up_as
from tests.fakes.mer import write_rows
from tests.fakes.sentiment import (
    SAID,
    scores,
    sims_parts,
    write_cuts,
    write_labels,
    write_merbench,
    write_metadata,
)

pytestmark = pytest.mark.filterwarnings("ignore:.* clips, the release has 2281")
WHOLE = {"modality": "multimodal"}
set_up = partial(set_up_as, kind=ChSims, **WHOLE)
OFFICIAL = {"splits": "official", "speaker_independent": False}


@pytest.fixture
def release(tmp_path):
    folder = tmp_path / "ch_sims"
    write_cuts(folder / "Raw", sims_parts())
    return folder


def write_kind(release, kind):
    if kind == "metadata":
        write_metadata(release, sims_parts())
    elif kind == "archive":
        write_merbench(release, sims_parts())
    else:
        write_labels(release / "label.csv", sims_parts(), padded=kind == "table")


@pytest.mark.parametrize("kind", ["metadata", "table", "unpadded", "archive"])
def test_all_kinds_of_labels_name_the_same_cuts_in_the_same_parts(release, tmp_path, kind):
    write_kind(release, kind)
    corpus = set_up(tmp_path, **OFFICIAL, subtitles="chinese")
    assert corpus.censuses[0].counts == {"train": 10, "val": 10, "test": 10}
    assert not corpus.censuses[0].speaker_independent
    found = {
        split: {(clip.speaker, clip.id) for clip in corpus.clips(split)}
        for split in ("train", "val", "test")
    }
    parts = sims_parts()
    expected = {"train": parts["train"], "val": parts["valid"], "test": parts["test"]}
    assert found == {
        split: {(video, f"{video}_{n}") for video, n in cuts} for split, cuts in expected.items()
    }
    assert {clip.transcript for clip in corpus.clips("test")} == {SAID[0]}


@pytest.mark.parametrize(
    ("kind", "expected"), [("metadata", SAID[1]), ("archive", SAID[1]), ("table", None)]
)
def test_translations_stand_beside_labels(release, tmp_path, kind, expected):
    write_kind(release, kind)
    assert {clip.transcript for clip in set_up(tmp_path).clips("test")} == {expected}


def test_official_splits_share_videos_and_must_be_asked_for(release, tmp_path):
    write_kind(release, "table")
    with pytest.raises(CorpusError, match="not speaker-independent: video_0001 in test and train"):
        set_up(tmp_path, splits="official")


@pytest.mark.parametrize("fold", range(1, 6))
def test_by_default_videos_are_tested_of_which_nothing_was_heard(release, tmp_path, fold):
    write_kind(release, "table")
    corpus = set_up(tmp_path, fold=fold)
    assert corpus.censuses[0].counts == {"train": 21, "val": 3, "test": 6}
    assert corpus.censuses[0].speaker_independent


@pytest.mark.parametrize("kind", ["metadata", "table"])
@pytest.mark.parametrize(
    ("modality", "place"), [("multimodal", 0), ("text", 1), ("audio", 2), ("video", 3)]
)
def test_each_sense_has_labels_of_its_own(release, tmp_path, kind, modality, place):
    write_kind(release, kind)
    corpus = set_up(tmp_path, modality=modality, **OFFICIAL)
    clips = [clip for split in ("train", "val", "test") for clip in corpus.clips(split)]
    clips = sorted(clips, key=lambda clip: clip.id) if kind == "metadata" else clips
    assert [clip.sentiment for clip in clips] == [scores(i)[place] for i in range(30)]
    assert f"{modality} labels" in corpus.censuses[0].notes


def test_an_archive_has_multimodal_labels_only(release, tmp_path):
    write_kind(release, "archive")
    with pytest.raises(CorpusError, match=r"label\.npz holds multimodal labels only"):
        set_up(tmp_path, modality="audio")


@pytest.mark.parametrize(
    ("part", "places", "words"),
    [
        ("test", [(0,), (99,)], "row 2: the index 0 is in another part too"),
        ("test", [(99,)], "row 2: the index 99 is in another part too, or beyond the 30 rows"),
        ("test", [(2,)], "label_M.csv, row 7: no index file names this row"),
        ("val", [("x",)], "row 2: 'index' is 'x', no number"),
    ],
)
def test_wrong_parts_are_named(release, tmp_path, part, places, words):
    write_kind(release, "metadata")
    write_rows(release / "metadata" / f"{part}_index.csv", ("index",), places)
    with pytest.raises(CorpusError, match=words):
        set_up(tmp_path)


def test_a_missing_index_and_unknown_settings_are_refused(release, tmp_path):
    write_kind(release, "metadata")
    (release / "metadata" / "val_index.csv").unlink()
    with pytest.raises(CorpusError, match=r"looked for .*/metadata/val_index\.csv"):
        set_up(tmp_path)
    for settings, words in (
        ({"modality": "M"}, "`modality` of ChSims is 'M'; choose one of"),
        ({"splits": "ours"}, "`splits` of ChSims is 'ours'"),
        (
            {"fold": 6},
            r"`fold` of ChSims is 6; choose one of .* 5\] under `splits: speakers`",
        ),
        ({"fold": 2, "splits": "official"}, r"choose one of \[1\] under `splits: official`"),
    ):
        with pytest.raises(ConfigError, match=words):
            ChSims(**settings)


def test_real_labels_are_as_they_were_counted(shared, tmp_path):
    folder = tmp_path / "ch_sims"
    shutil.copytree(shared / "annotations" / "merbench" / "sims-process", folder)
    clips = list(ChSims(**WHOLE).read(folder))
    assert len(clips) == ChSims.size
    assert Counter(clip.split for clip in clips) == {"train": 1368, "val": 456, "test": 457}
    videos = {part: {c.speaker for c in clips if c.split == part} for part in ("train", "test")}
    assert len(videos["test"]) == 59 and videos["test"] <= videos["train"]
    assert len({clip.speaker for clip in clips}) == 60
    assert all(clip.transcript for clip in clips)
    assert all(round(5 * clip.sentiment, 6).is_integer() for clip in clips)
    for fold in range(1, 6):
        parts = Counter(clip.split for clip in ChSims(fold=fold).partition(clips))
        assert 0.1 < parts["test"] / len(clips) < 0.35 and parts["val"] > 90
