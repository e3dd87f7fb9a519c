import json
from collections import Counter

import pytest

from emolit.corpora.urdu import Urdu
from emolit.errors import CorpusError
from tests.fakes.urdu import write_urdu


def set_up(root, **settings):
    corpus = Urdu(root=str(root), **settings)
    corpus.prepare_data()
    corpus.setup()
    return corpus


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_folder_and_name_become_label_and_speaker(tmp_path, suffix):
    folder = write_urdu(tmp_path, suffix=suffix)
    clips = {clip.id: clip for clip in Urdu().read(folder)}
    assert len(clips) == 400
    clip = clips["SF4_F4_H004"]
    assert (clip.label, clip.speaker) == ("happy", "SF4")
    assert clip.path == f"Happy/SF4_F4_H004{suffix}"


def test_every_clip_is_for_testing(tmp_path):
    write_urdu(tmp_path)
    corpus = set_up(tmp_path)
    assert corpus.censuses[0].counts == {"train": 0, "val": 0, "test": 400}
    assert corpus.taxonomy.labels == ("angry", "happy", "neutral", "sad")


def test_speakers_may_be_held_out_for_validation(tmp_path):
    write_urdu(tmp_path)
    corpus = set_up(tmp_path, validation=True)
    heard = {clip.speaker for clip in corpus.clips("val")}
    assert heard == {"SF4", "SF6", "SM1", "SM3"}
    assert not heard & {clip.speaker for clip in corpus.clips("test")}
    assert corpus.censuses[0].notes == ("11 speakers are held out for validation",)


def test_the_real_release_has_clips_of_each_emotion_to_validate_on(shared):
    corpus = set_up(shared / "corpora", validation=True)
    heard = Counter(clip.label for clip in corpus.clips("val"))
    assert heard == {"angry": 24, "happy": 20, "neutral": 22, "sad": 18}
    assert len({clip.speaker for clip in corpus.clips("val")}) == 11
    assert len(corpus.clips("test")) == 316


def test_an_incomplete_release_is_used_under_a_warning(tmp_path):
    write_urdu(tmp_path, clips=7)
    with pytest.warns(UserWarning, match="'urdu' in .* has 28 clips, the release has 400"):
        Urdu(root=str(tmp_path)).prepare_data()


def test_an_empty_folder_is_refused_with_the_path_looked_for(tmp_path):
    (tmp_path / "urdu").mkdir()
    with pytest.raises(CorpusError, match=r"No clip of URDU in .*/urdu: looked for \{Angry,Happy"):
        set_up(tmp_path)


@pytest.mark.parametrize("name", ["Sad/SM1_F10_A010.wav", "Sad/clip.wav"])
def test_a_file_that_does_not_fit_its_folder_is_refused(tmp_path, name):
    folder = write_urdu(tmp_path)
    next(folder.glob("Sad/*")).rename(folder / name)
    with pytest.raises(CorpusError, match=rf"{name} is no clip of URDU: .*'Sad'"):
        set_up(tmp_path)


def test_the_real_release_has_the_speakers_of_its_description_and_emoboxs_labels(shared):
    corpus = set_up(shared / "corpora")
    clips = corpus.clips("test")
    speakers = Counter(clip.speaker for clip in clips)
    assert len(clips) == 400
    assert len(speakers) == 29
    assert speakers["SM5"] == 80
    assert sum(count == 2 for count in speakers.values()) == 9
    letters = {"angry": "A", "happy": "H", "neutral": "N", "sad": "S"}
    lists = sorted((shared / "annotations" / "emobox" / "urdu" / "fold_1").glob("*.jsonl"))
    rows = [json.loads(line) for path in lists for line in path.read_text().splitlines()]
    listed = {row["key"].removeprefix("urdu-"): row["emo"] for row in rows}
    assert {clip.id: letters[clip.label] for clip in clips} == listed
    lengths = {row["key"].removeprefix("urdu-"): row["length"] for row in rows}
    assert all(abs(clip.seconds - lengths[clip.id]) < 1e-4 for clip in clips)
