import shutil
from collections import Counter

import pytest

from emolit.corpora.ov_merd import OvMerd
from tests.corpora.test_mer import set_up
from tests.fakes.mer import write_open


def test_clips_have_words_that_people_gave_and_may_be_tested_or_trained_on(tmp_path):
    named = write_open(tmp_path / "mer2025", "ovmerd")
    tested = set_up(tmp_path, OvMerd, use="test", speaker_independent=True)
    assert [clip.id for clip in tested.clips("test")] == named
    assert tested.censuses[0].notes == ("clips of track2_train_ovmerd.csv",)
    trained = set_up(tmp_path, OvMerd)
    assert trained.censuses[0].counts == {"train": 27, "val": 3, "test": 0}


@pytest.fixture
def real(shared, tmp_path):
    """The 332 clips under the name that MER2025 gives them."""
    (tmp_path / "mer2025").mkdir()
    table = shared / "annotations" / "mer2024" / "check-openset.csv"
    shutil.copy(table, tmp_path / "mer2025" / OvMerd.listing)
    return tmp_path / "mer2025"


def test_real_lists_are_read_as_they_were_counted(real):
    clips = list(OvMerd().read(real))
    sizes = Counter(len(clip.words) for clip in clips)
    assert len(clips) == 332
    assert min(sizes) >= 1
    assert round(sum(len(clip.words) for clip in clips) / len(clips), 1) == 3.4
    assert not any(sign in word for clip in clips for word in clip.words for sign in "'\"[],")
