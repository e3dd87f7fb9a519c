"""EmoBox's lists with their traps; the truth are rows as published."""

from collections import Counter
from itertools import product

import pytest

from emolit.data.emobox_folds import FoldLists, assign_splits, with_validation
from emolit.errors import ConfigError, CorpusError
from emolit.types import Clip
from tests.fakes.emobox import (
    SPEAKERS,
    old,
    row,
    savee,
    write_list,
    write_map,
    write_savee_lists,
)


def by_id(row):
    return row.id


def clip(name, speaker, split="train"):
    return Clip(name, "toy", f"{name}.wav", speaker=speaker, split=split)


@pytest.fixture
def lists(tmp_path):
    write_savee_lists(tmp_path)
    return FoldLists(tmp_path, "savee")


def test_rows_become_ids_paths_and_common_labels(lists):
    assert lists.numbers == (1, 2, 3, 4)
    rows = {found.id: found for found in lists.rows()}
    assert len(rows) == 28
    found = rows["JK-su03"]
    assert (found.path, found.label) == ("downloads/savee/JK_su03.wav", "surprise")
    assert (found.stem, found.start, found.end) == ("JK_su03", 0.0, None)


def test_old_twins_are_read_where_the_usual_list_is_missing(lists):
    folder = lists.folder / "fold_1"
    usual = lists.splits(1, by_id)
    twin = write_list(lists.data, "savee", "test", 1, [old(entry) for entry in savee(["JE"])])
    assert lists.splits(1, by_id) == usual
    twin.rename(folder / "savee_test_fold1.jsonl")
    assert FoldLists(lists.data, "savee").splits(1, by_id) == usual


def test_a_twin_beside_the_usual_list_is_not_read_twice(lists):
    write_list(lists.data, "savee", "test1", 1, [old(entry) for entry in savee(["JE"])])
    (lists.folder / "fold_1" / "savee_test1_fold_1.jsonl").rename(
        lists.folder / "fold_1" / "savee_test_fold1.jsonl"
    )
    assert Counter(lists.splits(1, by_id).values()) == {"train": 21, "test": 7}


def test_a_missing_training_list_is_the_union_of_the_other_test_lists(lists):
    published = lists.splits(2, by_id)
    (lists.folder / "fold_2" / "savee_train_fold_2.jsonl").unlink()
    assert lists.splits(2, by_id) == published


def test_another_test_list_is_taken_when_named(tmp_path):
    avi = row("mer2023", "sample_00001998", "test1/sample_00001998.avi", "worried")
    mp4 = old(row("mer2023", "sample_00005474.mp4", "test2/sample_00005474.mp4", "happy"))
    write_map(tmp_path, "mer2023", {"worried": "Worried", "happy": "Happy"})
    write_list(tmp_path, "mer2023", "test", 1, [avi])
    write_list(tmp_path, "mer2023", "test2", 1, [mp4])
    assert FoldLists(tmp_path, "mer2023").splits(1, by_id) == {"sample_00001998": "test"}
    second = FoldLists(tmp_path, "mer2023", "test2")
    assert [(found.id, found.label) for found in second.rows()] == [("sample_00005474", "happy")]
    with pytest.raises(ConfigError, match=r"test lists of the folds \[\]: looked for .*_test4_fo"):
        FoldLists(tmp_path, "mer2023", "test4").splits(1, by_id)


@pytest.mark.parametrize(
    ("key", "path", "name"),
    [
        ("1984_sk_dil.wav", "Sound Source/Calm/1984_sk_dil.wav", "1984_sk_dil"),
        ("dia0_utt0-test", "output_repeated_splits_test/dia0_utt0.mp4", "dia0_utt0-test"),
        ("samplenew_00006611.mp4", "test3/samplenew_00006611.mp4", "samplenew_00006611"),
    ],
)
def test_keys_lose_the_extension_of_their_file_and_nothing_else(tmp_path, key, path, name):
    write_map(tmp_path, "toy", {"a": "Angry"})
    write_list(tmp_path, "toy", "test", 1, [row("toy", key, path, "a", channel=3)])
    (found,) = FoldLists(tmp_path, "toy").rows()
    assert found.id == name


def test_labels_that_differ_in_case_are_found_exact_ones_first(tmp_path):
    write_map(tmp_path, "ased", {"s": "Sad", "S": "Surprise", "Neutral": "Neutral"})
    rows = [row("ased", f"{i}", f"{i}.wav", raw) for i, raw in enumerate(["S", "s", "neutral"])]
    write_list(tmp_path, "ased", "test", 1, rows)
    assert [r.label for r in FoldLists(tmp_path, "ased").rows()] == ["surprise", "sad", "neutral"]


def test_emovos_name_of_the_map_is_understood(lists):
    (lists.folder / "label_map.json").rename(lists.folder / "label_dict.json")
    assert FoldLists(lists.data, "savee").names["sa"] == "sad"


def test_a_valid_list_is_the_validation_part(lists):
    write_list(lists.data, "savee", "valid", 1, savee(["KL"]))
    write_list(lists.data, "savee", "train", 1, savee(["DC", "JK"]))
    assert Counter(lists.splits(1, by_id).values()) == {"train": 14, "val": 7, "test": 7}
    assert lists.note(1, []) == "validation is EmoBox's list of fold 1"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (savee(["JE", "KL"]), "lists 'KL-a03' for train and for test"),
        ([{**savee(["JE"])[0], "emo": "x"}], "row 1: the label 'x' is not in the label map"),
        ([{**savee(["JE"])[0], "start_time": "soon"}], "'start_time' is 'soon', no number"),
        ([{"key": "savee-JE-a03"}], "row 1: 'audio' is empty"),
        ([{"wav": "a.wav"}], "column 'key' is missing"),
    ],
)
def test_lists_that_are_wrong_are_refused(lists, rows, message):
    write_list(lists.data, "savee", "test", 1, rows)
    with pytest.raises(CorpusError, match=message):
        lists.splits(1, by_id)


def test_lists_that_contradict_each_other_are_refused(lists):
    write_list(lists.data, "savee", "test", 1, [{**savee(["JE"])[0], "emo": "sa"}])
    with pytest.raises(CorpusError, match="describe 'JE-a03' in two ways: "):
        lists.rows()


def test_a_listed_clip_that_is_not_there_is_named(lists):
    splits = {"a": "train", "b": "test"}
    with pytest.raises(CorpusError, match=r"1 of 2 clips that .*savee lists .*: b\. Get the"):
        assign_splits([clip("a", "x", None)], splits, lists)


def test_whole_speakers_are_held_out_until_a_tenth_is_reached():
    clips = [clip(f"{who}{i}", who) for who, i in product("abcdefghij", range(10))]
    clips += [clip("a-test", "a", "test")]
    found = with_validation(clips)
    assert Counter(c.split for c in found) == {"train": 90, "val": 10, "test": 1}
    held = {c.speaker for c in found if c.split == "val"}
    assert not held & {c.speaker for c in found if c.split == "train"}
    again = {c.id: c.split for c in with_validation(clips[::-1])}
    assert {c.id: c.split for c in found} == again


def test_two_speakers_are_too_few_to_hold_one_out(lists):
    clips = [clip(f"{who}{i}", who) for who, i in product("ab", range(9))]
    assert with_validation(clips) == clips
    assert lists.note(1, clips).startswith("no validation part")


def test_without_speakers_clips_are_held_out(lists):
    found = with_validation([clip(str(i), None) for i in range(30)])
    assert Counter(c.split for c in found) == {"train": 27, "val": 3}
    assert "clip by clip" in lists.note(1, found)


def test_savees_speakers_are_in_the_order_of_the_folds(lists):
    for fold, who in enumerate(SPEAKERS, start=1):
        tested = {name for name, split in lists.splits(fold, by_id).items() if split == "test"}
        assert {name[:2] for name in tested} == {who}


@pytest.mark.parametrize("content", ['{"a": "Angry",}', "[1]", "1", '{"a": 1}', '"\u00e9"'])
def test_a_label_map_that_is_none_is_named(lists, content):
    file = lists.folder / "label_map.json"
    file.write_text(content, encoding="latin-1")
    with pytest.raises(CorpusError, match=r"label_map\.json .*et it again"):
        _ = lists.names


def test_names_of_older_lists_are_those_of_today(lists):
    old = {"an": "Angray", "su": "Superise", "ha": "joy", "sa": "Sadness", "di": "disgusted"}
    write_map(lists.data, "savee", old)
    assert [*lists.names.values()] == ["angry", "surprise", "happy", "sad", "disgust"]
