"""What is read of a database, and what is not."""

import pickle

import pytest

from emolit.data.audformat_database import AudformatDatabase
from emolit.errors import CorpusError
from tests.corpora.test_audformat import write

pytestmark = pytest.mark.filterwarnings(
    "ignore:The inplace keyword in DataFrame.set_index"  # audformat 1.4 under pandas 3.1
)


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return open, (str(self.place), "w")


def test_tables_columns_and_places_of_columns(tmp_path):
    write(tmp_path)
    database = AudformatDatabase(tmp_path / "emo")
    assert "emotion" in database.tables and database.columns("emotion") == ["emotion"]
    assert database.find("speaker") == [("files", "speaker")] == database.find("files.speaker")
    assert database.find("nothing") == []
    assert database.split_of("emotion.categories.dev.gold") == "dev"
    assert database.split_of("emotion") is None
    assert database.index("emotion")[0] == ("wav/a_anger.wav", None, None)
    assert database.values("files", ("files", "speaker"))[("wav/b_anger.wav", None, None)] == "b"


def test_pickles_are_left_alone(tmp_path):
    write(tmp_path)
    (tmp_path / "emo/db.emotion.pkl").write_bytes(pickle.dumps(Trap(tmp_path / "ran")))
    assert len(AudformatDatabase(tmp_path / "emo").index("emotion")) == 12
    (tmp_path / "emo/db.emotion.csv").unlink()
    with pytest.raises(CorpusError, match=r"db\.emotion\.csv cannot be read .*as CSV or parquet"):
        AudformatDatabase(tmp_path / "emo").index("emotion")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "text", ["!!python/object/apply:os.getcwd []", "{", "[1, 2]", "a: 1\nb: 2"]
)
def test_a_header_that_is_none_is_refused_and_runs_nothing(tmp_path, text):
    (tmp_path / "db.yaml").write_text(text)
    with pytest.raises(CorpusError, match=r"db\.yaml is no header of audformat"):
        AudformatDatabase(tmp_path)


def test_a_table_that_was_cut_is_a_sentence(tmp_path):
    write(tmp_path, "parquet")
    file = tmp_path / "emo/db.emotion.parquet"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(CorpusError, match=r"db\.emotion\.parquet cannot be read"):
        AudformatDatabase(tmp_path / "emo").index("emotion")
