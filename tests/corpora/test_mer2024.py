from collections import Counter

import pytest

from emolit.corpora.mer2024 import Mer2024
from tests.corpora.test_mer import set_up
from tests.fakes.mer import EMOTIONS, names, write_closed, write_rows

pytestmark = pytest.mark.filterwarnings("ignore:'mer2024' in .* clips, the release has")


def test_clips_have_one_of_six_emotions(tmp_path):
    write_closed(tmp_path / "mer2024", "label-disdim.csv", "video-labeled")
    corpus = set_up(tmp_path, Mer2024)
    clips = [*corpus.clips("train"), *corpus.clips("val")]
    assert sorted(clip.id for clip in clips) == names(30)
    assert Counter(clip.label for clip in clips) == dict.fromkeys(EMOTIONS, 5)
    assert {clip.sentiment for clip in clips} == {0.0, -0.25, -0.5}
    assert {clip.path.split("/")[0] for clip in clips} == {"video-labeled"}


def test_words_join_the_labels_of_the_clips_that_have_some(tmp_path):
    named = write_closed(tmp_path / "mer2024", "label-disdim.csv", "video-labeled", valence=False)
    rows = [(named[0], "['excited', 'joyful', 'happy']")]
    write_rows(tmp_path / "mer2024" / "check-openset.csv", ("name", "openset"), rows)
    clips = {clip.id: clip for clip in Mer2024().read(tmp_path / "mer2024")}
    assert clips[named[0]].words == ("excited", "joyful", "happy")
    assert clips[named[0]].label == "neutral"
    assert (clips[named[1]].words, clips[named[1]].sentiment) == ((), None)
