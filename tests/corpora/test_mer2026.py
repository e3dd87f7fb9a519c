from collections import Counter

import pytest

from emolit.corpora.mer2026 import Mer2026
from tests.corpora.test_mer import set_up
from tests.fakes.mer import EMOTIONS, names, write_closed

pytestmark = pytest.mark.filterwarnings("ignore:'mer2026' in .* clips, the release has")


def test_clips_have_one_of_six_emotions(tmp_path):
    write_closed(tmp_path / "mer2026", "track1_train.csv", "audio")
    corpus = set_up(tmp_path, Mer2026)
    clips = [*corpus.clips("train"), *corpus.clips("val")]
    assert sorted(clip.id for clip in clips) == names(30)
    assert Counter(clip.label for clip in clips) == dict.fromkeys(EMOTIONS, 5)
    assert {clip.sentiment for clip in clips} == {0.0, -0.25, -0.5}
    assert {clip.path.split("/")[0] for clip in clips} == {"audio"}
