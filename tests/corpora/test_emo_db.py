import json
from collections import Counter
from itertools import product

import pytest

from emolit.corpora.emo_db import MEN, SPEAKERS, WOMEN, EmoDb, split_of
from emolit.errors import ConfigError, CorpusError
from tests.fakes.emo_db import write_emo_db
from tests.fakes.emobox import row, write_list, write_map

INCOMPLETE = "ignore:'emodb' in .* has .* clips, the release has 535"
LABELS = {"anger": "Angry", "happy": "Happy", "Neutral": "Neutral", "boredem": "Boredom"}


def set_up(root, **settings):
    corpus = EmoDb(root=str(root), **settings)
    corpus.prepare_data()
    corpus.setup()
    return corpus


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    root = tmp_path_factory.mktemp("release")
    write_emo_db(root)
    return root


def test_letters_are_german_and_names_tell_speaker_and_sentence(release):
    clips = {clip.id: clip for clip in EmoDb().read(release / "emodb")}
    assert clips["03a01Fa"].label == "happy"
    assert clips["08a02Aa"].label == "fear"
    assert clips["16a01Ea"].label == "disgust"
    clip = clips["09a02Wb"]
    assert (clip.path, clip.label, clip.speaker) == ("wav/09a02Wb.wav", "angry", "09")
    assert clip.transcript == "Das will sie am Mittwoch abgeben."


def test_the_release_has_as_many_clips_by_label_as_the_class_says(release):
    counts = Counter(clip.label for clip in EmoDb().read(release / "emodb"))
    assert counts == EmoDb.expected
    assert sum(EmoDb.expected.values()) == EmoDb.size


def test_every_fold_leaves_one_speaker_out_and_holds_a_man_and_a_woman_for_validation():
    for fold in range(1, 11):
        parts = {who: split_of(who, fold) for who in SPEAKERS}
        assert Counter(parts.values()) == {"train": 7, "val": 2, "test": 1}
        assert parts[SPEAKERS[fold - 1]] == "test"
        for group in (MEN, WOMEN):
            assert sum(parts[who] == "val" for who in group) == 1


def test_a_fold_serves_the_whole_release_with_speakers_apart(release):
    corpus = set_up(release, fold=4)
    (census,) = corpus.censuses
    assert sum(census.counts.values()) == 535
    assert {clip.speaker for clip in corpus.clips("test")} == {"10"}
    assert census.speaker_independent
    assert corpus.emobox_fold is None


@pytest.mark.parametrize(("fold", "splits"), [(11, "speakers"), (6, "emobox"), (0, "speakers")])
def test_a_fold_that_does_not_exist_is_refused(fold, splits):
    with pytest.raises(ConfigError, match=rf"`fold` of EmoDb is {fold}; choose one of \[1, 2, "):
        EmoDb(fold=fold, splits=splits)


def test_splits_that_do_not_exist_are_refused():
    with pytest.raises(ConfigError, match="`splits` of EmoDb is 'official'; choose one of"):
        EmoDb(splits="official")


def small_lists(root, test=("03a01Fa", "08a01Wa")):
    names = [f"{who}a01{letter}a" for who, letter in product(SPEAKERS, "FWN")]
    labels = {"F": "happy", "W": "anger", "N": "neutral"}
    rows = {name: row("emodb", name, f"wav/{name}.wav", labels[name[5]]) for name in names}
    write_map(root / "emobox", "emodb", LABELS)
    write_list(root / "emobox", "emodb", "test", 1, [rows[name] for name in test])
    write_list(root / "emobox", "emodb", "train", 1, [rows[n] for n in names if n not in test])
    return names


@pytest.mark.filterwarnings(INCOMPLETE)
def test_emoboxs_lists_mix_speakers_so_that_they_must_be_allowed_and_are_reported(tmp_path):
    write_emo_db(tmp_path, small_lists(tmp_path))
    with pytest.raises(CorpusError, match=r"'emodb' are not speaker-independent: 03 in test and"):
        set_up(tmp_path, splits="emobox")
    corpus = set_up(tmp_path, splits="emobox", speaker_independent=False)
    (census,) = corpus.censuses
    assert {clip.id for clip in corpus.clips("test")} == {"03a01Fa", "08a01Wa"}
    assert (census.counts["train"], census.counts["val"]) == (24, 4)
    assert {clip.speaker for clip in corpus.clips("val")} == {"03", "08"}
    assert "held out of EmoBox's training part: speakers 03, 08" in str(census)
    assert "not speaker-independent" in str(census)
    assert corpus.emobox_fold == 1


@pytest.mark.filterwarnings(INCOMPLETE)
def test_a_listed_clip_that_the_release_lacks_is_named(tmp_path):
    write_emo_db(tmp_path, small_lists(tmp_path)[:-1])
    with pytest.raises(CorpusError, match=r"1 of 30 clips that .*emodb lists .*: 16a01Na\. Get"):
        set_up(tmp_path, splits="emobox", speaker_independent=False)


def test_a_renamed_folder_is_refused_with_the_path_looked_for(tmp_path):
    folder = write_emo_db(tmp_path)
    (folder / "wav").rename(folder / "audio")
    with pytest.raises(CorpusError, match=r"No clip of EMO-DB in .*/emodb: looked for wav/03a01"):
        set_up(tmp_path)


@pytest.mark.parametrize("name", ["03a01Xa", "04a01Fa", "03a03Fa", "happy"])
def test_a_file_with_another_name_is_refused(tmp_path, name):
    folder = write_emo_db(tmp_path)
    (folder / "wav" / "03a01Fa.wav").rename(folder / "wav" / f"{name}.wav")
    with pytest.raises(CorpusError, match=rf"{name}.wav is no clip of EMO-DB: .*Remove the file"):
        set_up(tmp_path)


@pytest.mark.filterwarnings(INCOMPLETE)
def test_the_copy_with_files_of_two_seconds_is_refused(tmp_path):
    write_emo_db(tmp_path, ["03a01Fa", "08a01Wa"], seconds=2.0)
    with pytest.raises(CorpusError, match=r"Every file in .*/emodb lasts 2\.0 s"):
        set_up(tmp_path)


def test_the_real_originals_are_read(shared):
    clips = list(EmoDb().read(shared / "corpora" / "emodb_samples"))
    assert [(clip.id, clip.label) for clip in clips] == [
        ("03a01Fa", "happy"), ("03a01Nc", "neutral"), ("03a01Wa", "angry"), ("03a02Ta", "sad"),
        ("03a04Ad", "fear"), ("03a04Lc", "boredom"), ("03b10Ec", "disgust"),
    ]  # fmt: skip


def listed(shared, part, fold):
    folder = shared / "annotations" / "emobox" / "emodb" / f"fold_{fold}"
    lines = (folder / f"emodb_{part}_fold_{fold}.jsonl").read_text().splitlines()
    return {row["key"].removeprefix("emodb-"): row["emo"] for row in map(json.loads, lines)}


@pytest.mark.parametrize("fold", range(1, 6))
def test_names_labels_and_folds_are_those_of_emobox(shared, tmp_path, fold):
    parts = {part: listed(shared, part, fold) for part in ("train", "test")}
    labels = parts["train"] | parts["test"]
    folder = write_emo_db(tmp_path, iter(labels))
    lists = str(shared / "annotations" / "emobox")
    corpus = EmoDb(fold, "emobox", lists, root=str(tmp_path), speaker_independent=False)
    clips = corpus.partition(list(corpus.read(folder)))
    names = {"anger": "angry", "boredem": "boredom"}
    assert {clip.id: clip.label for clip in clips} == {
        name: names.get(label, label) for name, label in labels.items()
    }
    assert Counter(clip.label for clip in clips) == EmoDb.expected
    for part, splits in (("test", {"test"}), ("train", {"train", "val"})):
        assert {clip.id for clip in clips if clip.split in splits} == set(parts[part])
    held = {clip.speaker for clip in clips if clip.split == "val"}
    assert not held & {clip.speaker for clip in clips if clip.split == "train"}
