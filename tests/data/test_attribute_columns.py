"""Columns of ratings on given scales, apart from what else has their names."""

from pathlib import Path

import pytest

from emolit.corpora.manifest import Manifest
from emolit.data.attribute_columns import AttributeColumn, ratings_of, set_attributes_apart
from emolit.errors import ConfigError, CorpusError
from emolit.files.table import Row
from emolit.types import Rating
from tests.fakes.listing import write_listing

SCALES = {"valence": AttributeColumn(1, 5), "arousal": AttributeColumn(0, 1, "act")}


def rows(*fields):
    return [Row(Path("mine.csv"), place, each) for place, each in enumerate(fields, start=2)]


def test_ratings_have_the_scale_that_was_given_and_empty_fields_none():
    given = rows({"valence": "3.5", "act": "0.25"}, {"valence": "", "act": "1"})
    first, second = set_attributes_apart(given, SCALES, "mine")
    assert ratings_of(first, SCALES) == {
        "valence": Rating(3.5, 1, 5),
        "arousal": Rating(0.25, 0, 1),
    }
    assert ratings_of(second, SCALES) == {"arousal": Rating(1, 0, 1)}


def test_a_value_off_the_scale_a_missing_column_and_a_turned_scale_are_told():
    (row,) = set_attributes_apart(rows({"valence": "6", "act": "1"}), SCALES, "mine")
    with pytest.raises(CorpusError, match=r"row 2: 'valence' is 6, outside of its scale from 1"):
        ratings_of(row, SCALES)
    with pytest.raises(ConfigError, match=r"takes the columns \['act'\]"):
        set_attributes_apart(rows({"valence": "3"}), SCALES, "mine")
    with pytest.raises(ConfigError, match="from 5 to 1"):
        AttributeColumn(5, 1)


def test_a_table_of_ratings_alone_is_served_and_its_valence_is_no_polarity(tmp_path):
    listed = [
        {"path": f"wav/{name}.wav", "speaker": name, "split": split, "valence": value, "act": "1"}
        for name, split, value in (("a", "train", "4"), ("b", "val", "1"), ("c", "test", ""))
    ]
    write_listing(tmp_path, listed, "mine.csv")
    corpus = Manifest("mine.csv", attributes=SCALES, root=str(tmp_path))
    corpus.prepare_data()
    corpus.setup()
    (clip,) = corpus.clips("train")
    assert clip.attributes == {"valence": Rating(4, 1, 5), "arousal": Rating(1, 0, 1)}
    assert clip.sentiment is None and clip.label is None
    (last,) = corpus.clips("test")
    assert [*last.attributes] == ["arousal"]
