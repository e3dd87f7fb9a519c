"""What must hold of the rows of a table together."""

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolit.data.manifest_checks import check_recordings, check_rows
from emolit.data.manifest_rows import clip_of
from emolit.errors import CorpusError
from emolit.files.table import Row, read_table
from emolit.types import Clip


def table(folder, *rows):
    return [Row(folder / "mine.csv", number, row) for number, row in enumerate(rows, start=2)]


def check(folder, *rows):
    """Check rows without regard to what they say of their clips."""
    found = table(folder, *({"label": "sad", **row} for row in rows))
    clips = [clip_of(row, "mine", folder, frozenset({"sad"})) for row in found]
    check_recordings(clips, {c.id: r for c, r in zip(clips, found, strict=True)}, folder)


WHOLE = {"path": "a.wav"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (WHOLE, {"path": "./a.wav", "speaker": "bob"}),
        (WHOLE, {"path": "a.wav", "id": "2"}),
        (WHOLE, {"path": "b/../a.wav", "split": "test"}),
        (WHOLE, {"path": "linked.wav"}),
        (WHOLE, {"path": "folder/a.wav"}),
        (WHOLE, {"path": "a.wav", "id": "2", "start": 1, "end": 2}),
        ({**WHOLE, "start": 0, "end": 2}, {"path": "./a.wav", "start": 1.5}),
        ({**WHOLE, "start": 3, "end": 5}, {"path": "./a.wav", "start": 1, "end": 4}),
    ],
)
def test_a_recording_that_stands_there_twice_is_named_with_both_rows(tmp_path, first, second):
    (tmp_path / "a.wav").touch()
    (tmp_path / "linked.wav").symlink_to("a.wav")
    (tmp_path / "folder").symlink_to(".")
    with pytest.raises(CorpusError, match=r"row 3: the recording .* stands in row 2 already"
                       r"|row 2: the recording .* stands in row 3 already"):  # fmt: skip
        check(tmp_path, first, second)


def test_parts_of_a_file_that_only_touch_are_clips_of_their_own(tmp_path):
    ends = [0.1 * number for number in range(12)]
    check(tmp_path, *({"id": str(k), "path": "a.wav", "start": ends[k], "end": ends[k + 1]}
                      for k in range(11)))  # fmt: skip
    check(tmp_path, {"path": "a.wav"}, {"path": "b.wav"}, {"path": "c/a.wav"})


def test_people_may_interrupt_each_other_inside_a_split(tmp_path):
    ann = {"id": "1", "path": "a.wav", "start": 0, "end": 2, "speaker": "ann", "split": "train"}
    bob = {"id": "2", "path": "a.wav", "start": 1.5, "end": 4, "speaker": "bob", "split": "train"}
    check(tmp_path, ann, bob)
    for changed in ({"split": "test"}, {"speaker": "Ann"}, {"speaker": ""}, {"start": 0.5}):
        with pytest.raises(CorpusError, match=r"row 3: .* stands in row 2 already"):
            check(tmp_path, ann, {**bob, **changed})


def test_accents_and_case_hide_no_recording_where_the_disk_does_not_tell_them_apart(tmp_path):
    names = [normalize(form, "über.wav") for form in ("NFC", "NFD")]
    for name in (*names, "B.wav", "b.wav"):
        (tmp_path / name).write_text(name)
    if len([*tmp_path.iterdir()]) == 4:  # this disk tells them apart
        check(tmp_path, *({"path": name} for name in (*names, "B.wav", "b.wav")))
    (tmp_path / "b.wav").unlink()
    (tmp_path / "b.wav").hardlink_to(tmp_path / "B.wav")
    with pytest.raises(CorpusError, match=r"row 3: .* stands in row 2 already"):
        check(tmp_path, {"path": "B.wav"}, {"path": "b.wav"})


TIMES = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8)), min_size=2, max_size=6)


@given(TIMES)
def test_overlaps_are_found_as_by_looking_at_every_pair(tmp_path_factory, spans):
    rows = [{"id": str(k), "path": "a.wav", "start": start, "end": start + long}
            for k, (start, long) in enumerate(spans)]  # fmt: skip
    seconds = [set(range(start, start + long)) for start, long in spans]
    shared = any(one & two for k, one in enumerate(seconds) for two in seconds[:k])
    try:
        check(tmp_path_factory.getbasetemp(), *rows)
        refused = False
    except CorpusError:
        refused = True
    assert refused == shared


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"start_time": 1, "end_time": 2}, r"'start_time' would not .* Rename it to 'start', in"),
        ({"Start": 1, "End": 2}, r"'Start' would not .* Rename it to 'start'"),
        ({"offset": 1, "duration": 2}, r"'offset' would not .* Rename it to 'start'"),
        ({"begin": 1, "end": 2}, r"'begin' would not .* Rename it to 'start'"),
        ({"start": 1, "end_time": 2}, r"'end_time' would not .* Rename it to 'end'"),
        ({"start": 1, "duration": 2}, r"'start' and a duration, but no 'end'\. Write 'end'"),
        ({"Split": "Train"}, r"'Split' would not be used, and there is no 'split'"),
        ({"partition": "dev"}, r"'partition' would not be used, and there is no 'split'"),
        ({"Speaker": "ann"}, r"'Speaker' would not be used, and there is no 'speaker'"),
        ({"valence": 2.5}, r"'valence' is 2\.5 here, nowhere less, and 2\.5 at most"),
        ({"valence": 0}, r"name the column 'sentiment'"),
    ],
)
def test_columns_that_would_be_missed_or_misread_are_refused(tmp_path, fields, message):
    with pytest.raises(CorpusError, match=rf"mine\.csv, row 2: .*{message}"):
        check_rows(table(tmp_path, {"path": "a.wav", "label": "sad", **fields}))


@pytest.mark.parametrize(
    "fields",
    [
        {"duration": 2.0},
        {"start": 1, "end": 2, "duration": 1},
        {"start": 1, "start_time": "", "end_time": None},
        {"start": 1, "end": 3, "start_time": 10},
        {"partition": 7},
        {"arousal": 3, "gender": "f", "captions": ["One."]},
        {"valence": -0.1},
        {"sentiment": 3},
    ],
)
def test_columns_that_mislead_nobody_are_left_alone(tmp_path, fields):
    check_rows(table(tmp_path, {"path": "a.wav", "label": "sad", **fields}))


def test_one_negative_value_makes_a_sign(tmp_path):
    check_rows(table(tmp_path, *({"path": str(v), "valence": v} for v in (3, 0, -1))))


def test_real_valence_on_a_scale_of_seven_is_refused(shared):
    """The dimensions of MSP-Podcast are written without a sign."""
    file = shared / "annotations" / "msppodcast_v1.8" / "podcast_test1.csv"
    rows = read_table(file, ("valence",))
    with pytest.raises(CorpusError, match=r"'valence' is [\d.]+ here, nowhere less"):
        check_rows([Row(file, r.number, {"path": str(r.number), "valence": r.fields["valence"]})
                    for r in rows])  # fmt: skip


@pytest.mark.parametrize("name", ["a" * 300 + ".wav", "a/" * 3000 + "b.wav", "a\0b/c\0d.wav"])
def test_a_name_that_no_file_can_have_is_nobodys_copy(tmp_path, name):
    clips = [Clip("one", "mine", name), Clip("two", "mine", "a.wav")]
    rows = {clip.id: Row(tmp_path / "table.csv", 2, {"path": clip.path}) for clip in clips}
    check_recordings(clips, rows, tmp_path)
