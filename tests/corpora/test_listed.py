"""What holds of any list: splits of ours, names of speakers and of the list itself."""

from hashlib import sha256

import pytest

from emolit.corpora.listed import Listed, divide, log_name, one_name
from emolit.errors import CorpusError
from emolit.files.table import Row
from emolit.types import Clip
from tests.fakes.listing import write_tone


def test_a_split_of_speakers_is_that_of_their_hashes():
    names = [f"speaker {number}" for number in range(10)]
    first = sorted(names, key=lambda name: sha256(name.encode()).hexdigest())
    shares = divide(names, "speakers")
    assert [name for name in first if shares[name] == "test"] == first[:2]
    assert [name for name in first if shares[name] == "val"] == first[2:3]


def test_fewer_than_three_cannot_be_divided():
    with pytest.raises(CorpusError, match="There are 2 speakers, too few"):
        divide("ab", "speakers")


def test_spellings_of_a_person_have_one_name():
    assert one_name(["1.0", "01", "x"]) == {"01": "01", "1.0": "01", "x": "x"}


def test_the_name_in_log_keys_has_letters_and_digits():
    assert [log_name(path, "x") for path in ("a/Ä 2.csv", "b/c-d", "--")] == ["ä_2", "c_d", "x"]


class Memory(Listed):
    """A list in memory."""

    name = "memory"

    def __init__(self, rows, **settings):
        super().__init__(**settings)
        self.listed = rows

    @property
    def source(self):
        return self.location / "memory"

    def read_rows(self):
        return [Row(self.source, k, row) for k, row in enumerate(self.listed, start=1)]


def test_a_list_is_read_anew_at_every_start(tmp_path):
    rows = [
        {"path": f"{who}.wav", "label": "sad", "speaker": who, "split": split}
        for who, split in zip("abc", ("train", "val", "test"), strict=True)
    ]
    for row in rows:
        write_tone(tmp_path / "memory" / row["path"])
    corpus = Memory(rows, root=str(tmp_path))
    assert [entry.clip.label for entry in corpus.entries()] == ["sad"] * 3
    rows[0]["label"] = "angry"
    found = [entry.clip for entry in corpus.entries()]
    assert found[0] == Clip("a.wav", "memory", "a.wav", "angry", "a", "train", seconds=0.05)
    rows[0]["label"] = "furious"
    with pytest.raises(CorpusError, match="row 1: the label 'furious' is unknown"):
        corpus.entries()
