"""What a user writes into a row is what its clip has."""

import pytest

from emolit.data.manifest_rows import COLUMNS, clip_of, openset_of
from emolit.errors import CorpusError
from emolit.files.table import Row


def row(folder, **fields):
    return Row(folder / "mine.csv", 2, {"path": "a.wav", **fields})


def clip(folder, **fields):
    return clip_of(row(folder, **fields), "mine", folder, frozenset({"sad"}))


def test_every_column_finds_its_field(tmp_path):
    found = clip(
        tmp_path, id="1", label="SAD", speaker="ann", split="Dev", text="No.", caption="She sighs.",
        openset="sad，upset", valence="-0.5", reason="She sighs.", start="0.5", end=2,
        video="seen/a.mp4",
    )  # fmt: skip
    assert (found.id, found.path, found.label, found.speaker) == ("1", "a.wav", "sad", "ann")
    assert (found.split, found.transcript, found.captions) == ("val", "No.", ("She sighs.",))
    assert (found.words, found.sentiment, found.reason) == (("sad", "upset"), -0.5, "She sighs.")
    assert (found.start, found.end, found.video) == (0.5, 2.0, "seen/a.mp4")


def test_one_truth_is_enough_and_none_is_refused(tmp_path):
    assert clip(tmp_path, openset="glad").emotions == ("glad",)
    assert clip(tmp_path, valence=0).sentiment == 0.0
    assert clip(tmp_path, sentiment="1.5").sentiment == 1.5
    assert clip(tmp_path, captions=["One.", "Two."]).captions == ("One.", "Two.")
    with pytest.raises(CorpusError, match=r"mine\.csv, row 2: there is neither 'label' nor"):
        clip(tmp_path, speaker="ann", openset="", valence=" ")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("['Glad', 'proud', 'glad']", ("glad", "proud")),
        ("glad; proud", ("glad", "proud")),
        (["Glad", "surprise (positive)"], ("glad", "surprise (positive)")),
        ("[]", ("neutral",)),
        ([], ("neutral",)),
        ("", ()),
        (None, ()),
        ("nan", ()),
        (float("nan"), ()),
        ("['glad' 'proud']", ("glad", "proud")),
        ("glad|proud", ("glad", "proud")),
        ("glad/proud", ("glad", "proud")),
        ("glad and proud", ("glad", "proud")),
        (["glad and proud", "Glad"], ("glad", "proud")),
    ],
)
def test_words_may_be_written_in_many_ways(tmp_path, value, words):
    assert openset_of(row(tmp_path, openset=value)) == words


def test_a_container_that_is_heard_is_also_seen(tmp_path):
    assert clip(tmp_path, label="sad").video is None
    assert clip(tmp_path, label="sad", path="a.MP4").video == "a.MP4"
    assert clip(tmp_path, label="sad", path="a.mp4", video="b.mp4").video == "b.mp4"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"valence": "high"}, r"'valence' is 'high', no number\. Write one"),
        ({"valence": "nan"}, r"'valence' is 'nan', no number"),
        ({"valence": [1]}, r"'valence' is \[1\], which is no text"),
        ({"start": "1:20"}, r"'start' is '1:20', no number"),
        ({"openset": ["glad", 3.5, ["x"]]}, r"'openset' is \['x'\], which is no text"),
        ({"openset": ["glad", ""]}, r"'openset' is empty"),
        ({"id": "1", "path": ""}, r"'path' is empty"),
        ({"video": "../b.mp4"}, r"the video '\.\./b\.mp4' lies outside"),
        ({"label": "mad"}, r"the label 'mad' is unknown\. Map it with `label_map`: \{'mad': …\}"),
        ({"openset": "[nan]"}, r"'openset' holds 'nan', which is no word"),
        ({"openset": "['none', 'sad']"}, r"'openset' holds 'none', which is no word"),
        ({"path": "wav\\a.wav"}, r"the path 'wav.*a\.wav' has backslashes\. Write forward"),
        ({"Emotion": "sad"}, r"there is neither 'label' nor .*\. Rename 'Emotion' to 'label'"),
        ({"split": "trian"}, r"the split 'trian' is unknown"),
    ],
)
def test_a_wrong_value_is_named_with_its_column_and_row(tmp_path, fields, message):
    with pytest.raises(CorpusError, match=rf"mine\.csv, row 2: {message}"):
        clip(tmp_path, **fields)


def test_another_audio_file_of_the_same_name_is_taken_where_the_listed_one_is_missing(tmp_path):
    (tmp_path / "a.flac").touch()
    assert clip(tmp_path, label="sad").path == "a.flac"
    assert clip(tmp_path, label="sad", path="a.WAV").path == "a.flac"
    (tmp_path / "a.wav").touch()
    assert clip(tmp_path, label="sad").path == "a.wav"
    assert clip(tmp_path, label="sad", path="b.wav").path == "b.wav"


def test_no_column_stands_twice():
    assert len(COLUMNS) == len(set(COLUMNS))
