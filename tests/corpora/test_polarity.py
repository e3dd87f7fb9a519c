"""What corpora of sentiment share, on a tiny CMU-MOSI."""

import pytest

from emolit.corpora.cmu_mosi import CmuMosi
from emolit.errors import ConfigError, CorpusError
from tests.fakes.mer import write_rows
from tests.fakes.sentiment import (
    SAID,
    mosi_parts,
    scores,
    write_archive,
    write_cuts,
    write_labels,
    write_merbench,
)

pytestmark = pytest.mark.filterwarnings("ignore:.* clips, the release has")


def set_up(root, kind=CmuMosi, **settings):
    corpus = kind(root=str(root), **settings)
    corpus.prepare_data()
    corpus.setup()
    return corpus


@pytest.fixture
def release(tmp_path):
    folder = tmp_path / "cmu_mosi"
    write_cuts(folder / "Raw", mosi_parts())
    return folder


@pytest.mark.parametrize("kind", ["table", "archive"])
def test_both_kinds_of_labels_say_the_same(release, tmp_path, kind):
    if kind == "table":
        write_labels(release / "label.csv", mosi_parts())
    else:
        write_merbench(release, mosi_parts())
    corpus = set_up(tmp_path)
    assert corpus.censuses[0].counts == {"train": 6, "val": 3, "test": 3}
    assert corpus.censuses[0].speaker_independent
    clips = [clip for split in ("train", "val", "test") for clip in corpus.clips(split)]
    assert [clip.sentiment for clip in clips] == [scores(place)[0] for place in range(12)]
    assert clips[0].id == "03bSnISJMiM_0" and clips[3].id == "-1x_2u3_0"
    assert clips[0].path == "Raw/03bSnISJMiM/0.wav"
    assert {clip.speaker for clip in corpus.clips("val")} == {"_dI--eQ6qVU"}
    assert clips[-1].id == "208416_2" and clips[-1].speaker == "208416"
    assert {clip.label for clip in clips} == {None}
    assert corpus.taxonomy.labels == ()
    assert clips[0].transcript == (SAID[0] if kind == "table" else SAID[1])


def test_a_table_in_the_language_spoken_is_no_translation(release, tmp_path):
    write_labels(release / "label.csv", mosi_parts())
    assert set_up(tmp_path, subtitles="chinese").clips("test")[0].transcript is None


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        (3, "good", "row 2: 'label' is 'good', no number"),
        (3, "", "row 2: 'label' is empty"),
        (8, "dev", "row 2: the mode 'dev' is unknown"),
        (1, "", "row 2: 'clip_id' is empty"),
    ],
)
def test_a_wrong_row_is_named(release, tmp_path, column, value, words):
    table = write_labels(release / "label.csv", mosi_parts())
    header, *rows = (line.split(",") for line in table.read_text().splitlines())
    rows[0][column] = value
    write_rows(table, header, rows)
    with pytest.raises(CorpusError, match=rf"label\.csv, {words}"):
        set_up(tmp_path)


def test_missing_labels_other_parts_and_unknown_settings_are_refused(release, tmp_path):
    with pytest.raises(CorpusError, match=r"looked for .*/label\.csv and .*/label\.npz\."):
        set_up(tmp_path)
    write_archive(release / "label.npz", {"test1": {"a_1": (0, 1.0)}})
    with pytest.raises(CorpusError, match="has a part 'test1', expected train, val and test"):
        set_up(tmp_path)
    with pytest.raises(ConfigError, match="`subtitles` of CmuMosi is 'latin'"):
        CmuMosi(subtitles="latin")


def test_no_value_is_missing_and_never_a_score(release, tmp_path):
    parts = mosi_parts()
    write_merbench(release, parts)
    labels = {"train": {f"{video}_{n}": (0, -10) for video, n in parts["train"]}}
    write_archive(release / "label.npz", labels)
    assert {clip.sentiment for clip in set_up(tmp_path).clips("train")} == {None}
