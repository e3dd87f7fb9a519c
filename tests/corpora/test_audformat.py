"""Databases that audformat wrote, read back."""

import sys
from collections import Counter

import audformat
import pandas as pd
import pytest

from emolit.corpora.audformat import Audformat
from emolit.errors import ConfigError, CorpusError
from tests.fakes.listing import write_tone

pytestmark = pytest.mark.filterwarnings(
    "ignore:The inplace keyword in DataFrame.set_index"  # audformat 1.4 under pandas 3.1
)
WORDS = {"anger": "angry", "happiness": "happy"}
PARTS = {"train": "abc", "dev": "d", "test": "ef"}


def named(speakers):
    return [(f"wav/{who}_{word}.wav", who, word) for who in speakers for word in WORDS]


def column(table, name, values, scheme=None):
    table[name] = audformat.Column(scheme_id=scheme or name)
    table[name].set(values)


def new_database():
    database = audformat.Database("emo")
    database.schemes["emotion"] = audformat.Scheme(labels=list(WORDS))
    for name in ("speaker", "transcription"):
        database.schemes[name] = audformat.Scheme("str")
    for name in PARTS:
        database.splits[name] = audformat.Split(name)
    return database


def write(root, storage="csv"):
    """Write all emotions in one table, by split in three, and speakers in a table of files."""
    database = new_database()
    everything = named("abcdef")
    tables = {"emotion": (everything, None)}
    for split, speakers in PARTS.items():
        tables[f"emotion.categories.{split}.gold"] = (named(speakers), split)
    for name, (rows, split) in tables.items():
        index = audformat.filewise_index([file for file, *_ in rows])
        database[name] = audformat.Table(index, split_id=split)
        column(database[name], "emotion", [word for *_, word in rows])
    database["files"] = audformat.Table(audformat.filewise_index([file for file, *_ in everything]))
    column(database["files"], "speaker", [who for _, who, _ in everything])
    column(database["files"], "transcription", [f"{who} sagt." for _, who, _ in everything])
    for file, *_ in everything:
        write_tone(root / "emo" / file)
    database.save(str(root / "emo"), storage_format=storage)
    return database


def set_up(root, path="emo", **settings):
    corpus = Audformat(path, root=str(root), **{"label_map": WORDS, **settings})
    corpus.prepare_data()
    corpus.setup()
    return corpus


def served(corpus):
    return [clip for split in ("train", "val", "test") for clip in corpus.clips(split)]


@pytest.mark.parametrize("storage", ["csv", "parquet"])
def test_tables_of_splits_with_speakers_of_the_table_of_files(tmp_path, storage):
    write(tmp_path, storage)
    corpus = set_up(tmp_path, table="emotion.categories.*.gold")
    assert corpus.censuses[0].counts == {"train": 6, "val": 2, "test": 4}
    assert corpus.taxonomy.labels == ("angry", "happy")
    clip = corpus.clips("val")[0]
    assert (clip.id, clip.path) == ("wav/d_anger.wav", "wav/d_anger.wav")
    assert (clip.label, clip.speaker, clip.transcript) == ("angry", "d", "d sagt.")


def test_a_table_without_split_has_splits_of_ours(tmp_path):
    write(tmp_path)
    corpus = set_up(tmp_path, table="emotion")
    assert Counter(clip.split for clip in served(corpus)) == {"train": 8, "val": 2, "test": 2}
    assert corpus.censuses[0].speaker_independent


def test_the_split_of_a_table_is_known_by_its_name_and_mapped(tmp_path):
    database = write(tmp_path)
    for split in PARTS:
        database[f"emotion.categories.{split}.gold"].split_id = None
    database.save(str(tmp_path / "emo"), storage_format="csv")
    corpus = set_up(tmp_path, table="*.gold", split_map={"dev": None})
    assert corpus.censuses[0].counts == {"train": 6, "val": 0, "test": 4}
    corpus = set_up(tmp_path, table="*.gold", columns={"split": None})
    assert corpus.censuses[0].counts == {"train": 8, "val": 2, "test": 2}


def test_segments_are_parts_of_files(tmp_path):
    database = new_database()
    index = audformat.segmented_index(
        ["talk.wav"] * 3, ["0s", "0.2s", "0.35s"], ["0.2s", "0.35s", pd.NaT]
    )
    database["segments"] = audformat.Table(index)
    column(database["segments"], "emotion", ["anger", "happiness", "anger"])
    column(database["segments"], "speaker", list("abc"))
    write_tone(tmp_path / "emo" / "talk.wav", 0.6)
    database.save(str(tmp_path / "emo"), storage_format="csv")
    found = {clip.id: (clip.start, clip.end, round(clip.seconds, 3), clip.speaker)
             for clip in served(set_up(tmp_path))}  # fmt: skip
    assert found == {
        "talk.wav 0-0.2": (0.0, 0.2, 0.2, "a"),
        "talk.wav 0.2-0.35": (0.2, 0.35, 0.15, "b"),
        "talk.wav 0.35-": (0.35, None, 0.25, "c"),
    }


def test_several_tables_of_labels_are_not_mixed_by_chance(tmp_path):
    write(tmp_path)
    with pytest.raises(ConfigError, match=r"4 tables with the column 'emotion', \['emotion', 'emo"):
        set_up(tmp_path)
    with pytest.raises(ConfigError, match=r"has no table 'emo'.*there are \['emotion'"):
        set_up(tmp_path, table="emo")
    with pytest.raises(ConfigError, match=r"The tables \['emotion'\] of 'emo' say no split"):
        set_up(tmp_path, table="emotion*")


def test_columns_are_named_with_their_table_or_found(tmp_path):
    write(tmp_path)
    corpus = set_up(tmp_path, table="emotion", columns={"caption": "files.transcription"})
    assert served(corpus)[0].captions == (f"{served(corpus)[0].speaker} sagt.",)
    with pytest.raises(ConfigError, match=r"takes 'spk', which 0 tables of files have; the table"):
        set_up(tmp_path, table="emotion", columns={"speaker": "spk"})
    with pytest.raises(ConfigError, match=r"names \['start'\], which the index of a table holds"):
        set_up(tmp_path, columns={"start": "begin"})


def test_a_clip_without_a_label_is_told_with_its_row(tmp_path):
    database = write(tmp_path)
    database["emotion"]["emotion"].set(["anger", None] * 6)
    database.save(str(tmp_path / "emo"), storage_format="csv")
    with pytest.raises(CorpusError, match=r"db\.emotion\.csv, row 3: there is neither 'label'"):
        set_up(tmp_path, table="emotion")


def test_labels_that_are_unknown_are_named_at_once(tmp_path):
    write(tmp_path)
    with pytest.raises(
        CorpusError, match=r"row 2: the label 'anger' is unknown, and so are 'happi"
    ):
        set_up(tmp_path, table="emotion", label_map=None)


def test_what_is_not_there_is_a_sentence(tmp_path, monkeypatch):
    with pytest.raises(CorpusError, match=r"looked for .*/emo/db\.yaml.*audb\.load_to"):
        set_up(tmp_path)
    write(tmp_path)
    monkeypatch.setitem(sys.modules, "audformat", None)
    with pytest.raises(
        ConfigError, match=r"audformat, which is not installed.*emolit\[audformat\]"
    ):
        set_up(tmp_path)
