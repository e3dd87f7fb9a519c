import json
import shutil
from collections import Counter

import pytest

from emolit.corpora.mer2023 import ARCHIVE, TRANSCRIPTS, Mer2023
from emolit.data.emobox_folds import FoldLists
from emolit.errors import ConfigError, CorpusError
from emolit.types import Rating
from tests.corpora.test_mer import set_up
from tests.fakes.mer import SAID, write_archive, write_mer2023, write_rows

pytestmark = pytest.mark.filterwarnings("ignore:'mer2023' in .* clips, the release has 5030")


@pytest.mark.parametrize("archive", [False, True])
def test_tables_and_archive_say_the_same(tmp_path, archive):
    labels = write_mer2023(tmp_path / "mer2023", archive)
    clips = {clip.id: clip for clip in Mer2023().read(tmp_path / "mer2023")}
    assert len(clips) == 48
    for part, rows in labels.items():
        for name, (label, value) in rows.items():
            clip = clips[name]
            assert (clip.label, clip.path) == (label, f"{part}/{name}.wav")
            assert clip.sentiment == (None if part == "test3" else value)
    assert clips["sample_00000000"].transcript == SAID[1]
    assert clips["samplenew_00000080"].transcript is None


@pytest.mark.parametrize(
    ("test_list", "part"), [("test", "test1"), ("test1", "test1"), ("test3", "test3")]
)
def test_one_test_part_is_served_and_a_tenth_of_training_held_out(tmp_path, test_list, part):
    labels = write_mer2023(tmp_path / "mer2023")
    corpus = set_up(tmp_path, Mer2023, test_list=test_list)
    assert corpus.censuses[0].counts == {"train": 10, "val": 2, "test": 12}
    assert {clip.id for clip in corpus.clips("test")} == labels[part].keys()
    assert {clip.id for clip in corpus.clips("train")} < labels["train"].keys()
    assert f"tested on {part}" in str(corpus.censuses[0])


def test_clips_of_later_tests_are_left_out_by_name(tmp_path):
    labels = write_mer2023(tmp_path / "mer2023")
    names = [(name,) for name in labels["train"]][:5]
    write_rows(tmp_path / "emer.csv", ("name",), names)
    corpus = set_up(tmp_path, Mer2023, leave_out="emer.csv")
    assert corpus.censuses[0].counts == {"train": 6, "val": 1, "test": 12}
    assert "5 clips left out, as emer.csv names them" in corpus.censuses[0].notes


def test_wrong_settings_parts_and_missing_labels_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="`test_list` of Mer2023 is 'test4'"):
        Mer2023(test_list="test4")
    with pytest.raises(ConfigError, match="`subtitles` of Mer2023 is 'no'"):
        Mer2023(subtitles="no")
    folder = tmp_path / "mer2023"
    write_mer2023(folder, archive=True)
    write_archive(folder / ARCHIVE, {"train": {"a": ("sad", 0.0)}})
    with pytest.raises(CorpusError, match=r"label-6way\.npz has the parts \['train'\]"):
        set_up(tmp_path, Mer2023)
    (folder / ARCHIVE).unlink()
    with pytest.raises(CorpusError, match=r"looked for .*/train-label\.csv and .*6way\.npz\."):
        set_up(tmp_path, Mer2023)


@pytest.fixture
def real(shared, tmp_path):
    """The real labels and transcripts, no recordings."""
    folder = tmp_path / "mer2023"
    folder.mkdir()
    source = shared / "annotations" / "merbench" / "mer2023-dataset-process"
    for name in (ARCHIVE, TRANSCRIPTS):
        shutil.copy(source / name, folder)
    return folder


def test_real_labels_are_read_whole(real):
    clips = list(Mer2023().read(real))
    assert len(clips) == Mer2023.size
    assert Counter(clip.label for clip in clips) == Mer2023.expected
    assert Counter(clip.path.split("/")[0] for clip in clips) == {
        "train": 3373, "test1": 411, "test2": 412, "test3": 834,
    }  # fmt: skip
    values = [clip.sentiment for clip in clips if clip.sentiment is not None]
    assert (len(values), min(values), max(values)) == (5030 - 834, -5.0, 4.25)
    assert sum(clip.transcript is None for clip in clips) == 217


@pytest.mark.parametrize("test_list", ["test", "test1", "test2", "test3"])
def test_splits_are_emoboxs(shared, real, test_list):
    corpus = Mer2023(test_list=test_list)
    clips = corpus.partition(list(corpus.read(real)))
    lists = FoldLists(shared / "annotations" / "emobox", "mer2023", test_list)
    theirs = lists.splits(1, lambda row: row.id)
    ours = {c.id: "train" if c.split == "val" else c.split for c in clips if c.split}
    assert ours == theirs
    labels = {row.id: row.label for row in lists.rows()}
    assert {clip.id: clip.label for clip in clips if clip.split} == labels
    assert 0.1 <= sum(clip.split == "val" for clip in clips) / 3373 < 0.11


def test_emobox_counts_the_same_labels(shared, real):
    summary = json.loads((shared / "reference" / "emobox_folds_summary.json").read_text())
    fold = summary["mer2023"]["folds"]["1"]
    corpus = Mer2023()
    assert corpus.emobox_fold == 1
    clips = corpus.partition(list(corpus.read(real)))
    tests = Counter((clip.label or "").capitalize() for clip in clips if clip.split == "test")
    assert tests == fold["test"]["mapped"]


@pytest.mark.parametrize("archive", [False, True])
def test_with_its_scale_valence_is_a_rating_too(tmp_path, archive):
    labels = write_mer2023(tmp_path / "mer2023", archive)
    clips = {clip.id: clip for clip in Mer2023(valence_scale=(-5, 5)).read(tmp_path / "mer2023")}
    rated = {
        name: value
        for part in labels
        if part != "test3"
        for name, (_, value) in labels[part].items()
    }
    assert len(rated) == 36
    for name, clip in clips.items():
        known = {"valence": Rating(rated[name], -5, 5)} if name in rated else {}
        assert clip.attributes == known and clip.sentiment == rated.get(name)
    assert all(clip.attributes == {} for clip in Mer2023().read(tmp_path / "mer2023"))


def test_a_scale_that_does_not_fit_is_refused(tmp_path):
    labels = write_mer2023(tmp_path / "mer2023")
    least = min(value for _, value in labels["train"].values())
    with pytest.raises(CorpusError, match=r"outside of the scale from .* Correct `valence_scale`"):
        [*Mer2023(valence_scale=(least + 0.5, 5)).read(tmp_path / "mer2023")]
    with pytest.raises(ConfigError, match=r"give its lower end first"):
        Mer2023(valence_scale=(5, -5))
