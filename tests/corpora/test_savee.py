import json
import shutil
from collections import Counter

import pytest

from emolit.corpora.savee import FOLDS, Savee
from emolit.errors import ConfigError, CorpusError
from tests.fakes.savee import SPEAKERS, stems, write_savee


def set_up(root, **settings):
    corpus = Savee(root=str(root), **settings)
    corpus.prepare_data()
    corpus.setup()
    return corpus


@pytest.mark.parametrize("layout", ["AudioData", "ALL"])
@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_both_layouts_hold_the_same_clips(tmp_path, layout, suffix):
    folder = write_savee(tmp_path, layout, suffix)
    clips = {clip.id: clip for clip in Savee().read(folder)}
    assert len(clips) == 480
    found = [(clips[name].label, clips[name].speaker) for name in ("DC_a01", "JK_sa09", "KL_su15")]
    assert found == [("angry", "DC"), ("sad", "JK"), ("surprise", "KL")]
    assert (folder / clips["JE_n30"].path).is_file()


def test_sadness_and_surprise_are_told_apart(tmp_path):
    counts = Counter(clip.label for clip in Savee().read(write_savee(tmp_path)))
    assert counts.pop("neutral") == 120
    assert counts == dict.fromkeys(["angry", "disgust", "fear", "happy", "sad", "surprise"], 60)


@pytest.mark.parametrize("fold", [1, 2, 3, 4])
def test_a_fold_leaves_one_speaker_out_and_validates_on_another(tmp_path, fold):
    write_savee(tmp_path)
    corpus = set_up(tmp_path, fold=fold)
    assert corpus.censuses[0].counts == {"train": 240, "val": 120, "test": 120}
    who = {split: {clip.speaker for clip in corpus.clips(split)} for split in ("val", "test")}
    assert who["test"] == {FOLDS[fold - 1]}
    assert len(who["val"]) == 1
    assert who["val"] != who["test"]


def test_every_speaker_is_tested_once():
    assert sorted(FOLDS) == sorted(SPEAKERS)


@pytest.mark.parametrize("fold", [0, 5])
def test_an_unknown_fold_is_refused(fold):
    with pytest.raises(ConfigError, match=rf"`fold` of Savee is {fold}; choose one of \[1, 2, 3"):
        Savee(fold=fold)


def test_a_second_copy_is_left_out_and_counted(tmp_path, caplog):
    folder = write_savee(tmp_path)
    write_savee(tmp_path, "ALL")
    with caplog.at_level("INFO", logger="lightning.pytorch"):
        assert len(list(Savee().read(folder))) == 480
    assert "left out 480 second copies" in caplog.text


def test_a_missing_speaker_is_warned_of(tmp_path):
    shutil.rmtree(write_savee(tmp_path) / "AudioData" / "KL")
    with pytest.warns(UserWarning, match="'savee' in .* has 360 clips, the release has 480"):
        Savee(root=str(tmp_path)).prepare_data()


def test_renamed_folders_are_refused_with_the_paths_looked_for(tmp_path):
    folder = write_savee(tmp_path)
    for speaker in SPEAKERS:
        (folder / "AudioData" / speaker).rename(folder / "AudioData" / f"speaker {speaker}")
    with pytest.raises(CorpusError, match=r"No clip of SAVEE in .*/savee: looked for AudioData/DC"):
        set_up(tmp_path)


@pytest.mark.parametrize("fold", [1, 2, 3, 4])
def test_clips_and_labels_of_a_fold_are_those_of_emobox(shared, tmp_path, fold):
    lists = shared / "annotations" / "emobox" / "savee"
    names = json.loads((lists / "label_map.json").read_text())
    corpus = Savee(fold=fold)
    parted = corpus.partition(list(corpus.read(write_savee(tmp_path, "ALL"))))
    assert {clip.id for clip in parted} == {"_".join(parts) for parts in stems()}
    for part, splits in (("test", {"test"}), ("train", {"train", "val"})):
        lines = (lists / f"fold_{fold}" / f"savee_{part}_fold_{fold}.jsonl").read_text()
        rows = [json.loads(line) for line in lines.splitlines()]
        listed = {row["wav"].split("/")[-1][:-4]: names[row["emo"]].lower() for row in rows}
        assert {clip.id: clip.label for clip in parted if clip.split in splits} == listed


def test_a_linked_folder_is_looked_into(tmp_path):
    folder = write_savee(tmp_path)
    names = [clip.id for clip in Savee().read(folder)]
    folder.rename(tmp_path / "elsewhere")
    folder.mkdir()
    (folder / "audio").symlink_to(tmp_path / "elsewhere")
    clips = list(Savee().read(folder))
    assert [clip.id for clip in clips] == names
    assert all((folder / clip.path).is_file() for clip in clips)
