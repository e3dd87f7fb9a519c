import csv
import json
import re
from collections import Counter

import pytest

from emolit.corpora.msp_podcast import EMOTIONS, MspPodcast
from emolit.errors import AudioError, ConfigError, CorpusError
from emolit.types import Rating
from tests.fakes.msp_podcast import STEREO, rows, write_msp_podcast


def set_up(root, version="v1.8", **settings):
    corpus = MspPodcast(version, root=str(root), **settings)
    corpus.prepare_data()
    corpus.setup()
    return corpus


def test_columns_are_found_by_name_in_both_spellings_and_any_order(tmp_path):
    for version in ("v1.8", "v1.10"):
        folder = write_msp_podcast(tmp_path, version)
        clips = {clip.id: clip for clip in MspPodcast(version, root=str(tmp_path)).read(folder)}
        assert len(clips) == (40 if version == "v1.8" else 41)
        clip = clips["MSP-PODCAST_0002_0014"]
        assert clip.path == "Audios/MSP-PODCAST_0002_0014.wav"
        assert (clip.label, clip.speaker) == ("contempt", "2")
        assert clip.attributes == {
            "valence": Rating(3.833333, 1, 7), "arousal": Rating(4.2, 1, 7),
            "dominance": Rating(4, 1, 7),
        }  # fmt: skip
    assert clips["MSP-PODCAST_test3_0001"].attributes == {}  # nobody may know


@pytest.mark.parametrize("version", ["v1.8", "v1.10"])
def test_official_splits_are_served_and_o_and_x_are_dropped_and_counted(tmp_path, version):
    write_msp_podcast(tmp_path, version)
    corpus = set_up(tmp_path, version)
    (census,) = corpus.censuses
    assert census.counts == {"train": 8, "val": 8, "test": 8}
    assert census.dropped == {"other": 4, "no agreement": 4}
    assert {clip.id[:16] for clip in corpus.clips("test")} == {"MSP-PODCAST_0003"}
    assert Counter(clip.label for clip in corpus.clips("val")) == dict.fromkeys(corpus.labels, 1)
    assert STEREO[:-4] in {clip.id for clip in corpus.clips("train")}
    assert census.outside == (8 if version == "v1.8" else 9)


def test_the_version_is_part_of_the_name_and_a_number_is_refused(tmp_path):
    write_msp_podcast(tmp_path, "v1.10")
    corpus = set_up(tmp_path, "v1.10", test_set="Test2")
    assert corpus.names == ("msp_podcast_v1_10",)
    assert {clip.corpus for clip in corpus.clips("test")} == {"msp_podcast_v1_10"}
    assert {clip.id[:16] for clip in corpus.clips("test")} == {"MSP-PODCAST_0004"}
    assert "msp_podcast_v1_10: train 8" in str(corpus.censuses[0])
    assert "official splits, Test2" in str(corpus.censuses[0])
    with pytest.raises(ConfigError, match=r"`version` of MspPodcast is '1\.1'; write it like v1"):
        MspPodcast("1.1")


def test_unknown_speakers_in_two_splits_must_be_allowed_and_are_reported(tmp_path):
    listed = [{**row, "SpkrID": "Unknown"} for row in rows("v1.8")]
    write_msp_podcast(tmp_path, listed=listed)
    with pytest.raises(
        CorpusError, match=r"Nobody says who speaks .*: its splits test, train, val"
    ):
        set_up(tmp_path)
    corpus = set_up(tmp_path, speaker_independent=False)
    assert {clip.speaker for clip in corpus.clips("train")} == {None}
    assert "not speaker-independent" in str(corpus.censuses[0])


def test_other_and_no_agreement_are_served_when_named(tmp_path):
    write_msp_podcast(tmp_path)
    corpus = set_up(tmp_path, labels=["angry", "other"])
    assert corpus.censuses[0].counts == {"train": 2, "val": 2, "test": 2}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"EmoClass": "Z"}, r"row 3: the EmoClass 'Z' is unknown.*A, S, H"),
        ({"EmoClass": ""}, r"row 3: the EmoClass None is unknown"),
        ({"Split_Set": "Test9"}, r"row 3: the Split_Set 'Test9' is unknown"),
    ],
)
def test_values_outside_the_map_are_refused_with_their_row(tmp_path, change, message):
    listed = rows("v1.8")
    listed[1] |= change
    write_msp_podcast(tmp_path, listed=listed)
    with pytest.raises(CorpusError, match=message):
        set_up(tmp_path)


def test_missing_labels_columns_and_folders_are_named(tmp_path):
    folder = write_msp_podcast(tmp_path, listed=[{"FileName": "a.wav", "EmoClass": "N"}])
    with pytest.raises(CorpusError, match="the column 'SpkrID' is missing; there are"):
        set_up(tmp_path)
    (folder / "Labels").rename(folder / "labels")
    with pytest.raises(CorpusError, match=r"looked for .*/Labels/labels_consensus\.csv"):
        set_up(tmp_path)
    with pytest.raises(CorpusError, match=r"looked for .*/msp_podcast_v1_11"):
        set_up(tmp_path, "v1.11")


def test_a_listed_clip_without_audio_is_named(tmp_path):
    folder = write_msp_podcast(tmp_path)
    (folder / "Audios" / STEREO).unlink()
    with pytest.raises(AudioError, match=rf"1 of 32 clips .*{STEREO} is missing"):
        set_up(tmp_path)


def test_letters_are_those_of_emoboxs_map(shared):
    names = json.loads((shared / "reference" / "emobox_label_maps" / "msppodcast.json").read_text())
    assert {letter: name.lower().replace("-", " ") for letter, name in names.items()} == EMOTIONS


def test_the_fakes_file_names_are_those_of_the_release(shared):
    name = re.compile(r"MSP-PODCAST_\d{4}_\d{4}(_\d{4})?\.wav")
    for file in sorted((shared / "annotations" / "msppodcast_v1.8").glob("podcast_*.csv")):
        found = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
        assert len(found) == 200
        for row in found:
            folder, tail = row["file"].rsplit("/", 1)
            assert folder == "./MSP-PODCAST-Publish-1.8/Audios"
            assert name.fullmatch(tail)
    assert all(name.fullmatch(row["FileName"]) for row in rows("v1.8"))
