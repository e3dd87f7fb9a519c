import shutil
from collections import Counter

import pytest

from emolit.corpora.emer import Emer
from emolit.corpora.emer_v1 import EmerV1
from emolit.corpora.mixture import Mixture
from emolit.errors import CorpusError
from tests.corpora.test_mer import set_up
from tests.fakes.emer import write_emer, write_emer_v1

pytestmark = pytest.mark.filterwarnings("ignore:.* clips, the release has")


def served(corpus):
    return {c.id: c for split in ("train", "val", "test") for c in corpus.clips(split)}


def test_clips_have_an_emotion_a_reason_and_recordings_of_mer2023(tmp_path):
    named = write_emer_v1(tmp_path)
    corpus = set_up(tmp_path, EmerV1)
    assert corpus.censuses[0].counts == {"train": 14, "val": 2, "test": 4}
    clip = served(corpus)[named[1]]
    assert clip.path == f"../mer2023/train/{named[1]}.wav"
    assert (clip.label, clip.words, clip.emotions) == ("worried", (), ("worried",))
    assert clip.transcript == "Don't talk to me about feelings anymore."
    assert clip.reason.startswith("In the video, he roared, spoke")


def test_both_languages_say_the_same_emotion_and_reasons_need_no_recordings(tmp_path):
    write_emer_v1(tmp_path, recorded=False)
    english, chinese = (
        served(set_up(tmp_path, EmerV1, source="reasons", subtitles=language))
        for language in ("english", "chinese")
    )
    assert {name: clip.label for name, clip in english.items()} == {
        name: clip.label for name, clip in chinese.items()
    }
    assert {clip.transcript for clip in chinese.values()} == {"在视频中，他怒吼。"}
    assert {clip.path for clip in chinese.values()} == {""}


def test_an_unknown_emotion_and_a_missing_table_are_refused(tmp_path):
    write_emer_v1(tmp_path, recorded=False)
    table = tmp_path / "emer" / "dataset-v1" / "gt-eng.csv"
    table.write_text(table.read_text().replace("worried", "neutral"))
    with pytest.raises(CorpusError, match=r"gt-eng\.csv, row 3: the emotion 'neutral' is none of"):
        set_up(tmp_path, EmerV1, source="reasons")
    table.unlink()
    with pytest.raises(CorpusError, match=r"looked for gt-eng\.csv at any depth"):
        set_up(tmp_path, EmerV1, source="reasons")


def test_clips_of_both_versions_are_not_mixed(tmp_path):
    write_emer(tmp_path, recorded=False)
    write_emer_v1(tmp_path, recorded=False)
    settings = {"source": "reasons", "speaker_independent": False}
    mixture = Mixture([Emer(**settings), EmerV1(**settings)], root=str(tmp_path))
    with pytest.raises(CorpusError, match="'emer' and 'emer_v1' both have the clip"):
        mixture.setup()


def test_real_rows_are_served_as_text(shared, tmp_path):
    shutil.copytree(shared / "annotations" / "emer", tmp_path / "emer")
    for language in ("english", "chinese"):
        corpus = set_up(tmp_path, EmerV1, source="reasons", subtitles=language)
        clips = served(corpus)
        assert Counter(clip.label for clip in clips.values()) == EmerV1.expected
        assert corpus.censuses[0].counts["test"] == 20
    heard = {clip.id: clip for clip in EmerV1().read(tmp_path / "emer")}
    assert heard["sample_00000648"].transcript == "Don't talk to me about feelings anymore."
    assert sum(clip.transcript is None for clip in heard.values()) == 7
