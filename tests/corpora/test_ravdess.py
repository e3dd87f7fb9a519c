import json
import shutil
from collections import Counter

import pytest

from emolit.audio import decoding as audio
from emolit.corpora.ravdess import ACTORS, FOLDS, Ravdess, split_of, validation_actors
from emolit.data.dataset import LoaderSettings
from emolit.errors import ConfigError, CorpusError
from tests.fakes.ravdess import stems, write_ravdess

INCOMPLETE = "ignore:'ravdess' in .* has .* clips, the release has 1440"


def set_up(root, **settings):
    corpus = Ravdess(root=str(root), **settings)
    corpus.prepare_data()
    corpus.setup()
    return corpus


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    root = tmp_path_factory.mktemp("release")
    write_ravdess(root)
    return root


@pytest.fixture(scope="module")
def clips(release):
    return list(Ravdess().read(release / "ravdess"))


def test_names_become_labels_speakers_and_transcripts(clips):
    by_id = {clip.id: clip for clip in clips}
    assert len(by_id) == 1440
    clip = by_id["03-01-06-02-02-01-12"]
    assert clip.path == "Actor_12/03-01-06-02-02-01-12.wav"
    assert (clip.label, clip.speaker, clip.split) == ("fear", "12", None)
    assert clip.transcript == "Dogs are sitting by the door."
    assert by_id["03-01-01-01-01-02-01"].transcript == "Kids are talking by the door."


def test_every_emotion_has_192_clips_and_neutral_half_of_that(clips):
    counts = Counter(clip.label for clip in clips)
    assert counts.pop("neutral") == 96
    assert counts == dict.fromkeys(
        ["calm", "happy", "sad", "angry", "fear", "disgust", "surprise"], 192
    )


def test_the_six_folds_part_the_actors():
    assert sorted(actor for fold in FOLDS for actor in fold) == list(ACTORS)


@pytest.mark.parametrize("fold", range(1, 7))
def test_validation_holds_out_two_men_and_two_women_of_the_training_part(fold):
    held = validation_actors(fold)
    assert Counter(actor % 2 for actor in held) == {0: 2, 1: 2}
    assert not set(held) & set(FOLDS[fold - 1])
    splits = Counter(split_of(actor, fold) for actor in ACTORS)
    assert splits == {"train": 16, "val": 4, "test": 4}
    assert held not in [validation_actors(other) for other in range(1, 7) if other != fold]


@pytest.mark.parametrize("fold", range(1, 7))
def test_a_fold_serves_all_clips_with_speakers_apart(clips, fold):
    parted = Ravdess(fold=fold).partition(clips)
    assert Counter(clip.split for clip in parted) == {"train": 960, "val": 240, "test": 240}
    speakers = [
        {clip.speaker for clip in parted if clip.split == s} for s in ("train", "val", "test")
    ]
    assert len(set.union(*speakers)) == sum(map(len, speakers)) == 24


def test_a_fold_that_does_not_exist_is_refused():
    with pytest.raises(ConfigError, match=r"`fold` of Ravdess is 7; choose one of \[1, 2, 3"):
        Ravdess(fold=7)


@pytest.mark.filterwarnings(INCOMPLETE)
@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_wav_and_flac_are_read_alike(tmp_path, suffix):
    folder = write_ravdess(tmp_path, actors=[1], suffix=suffix)
    assert len(list(Ravdess(root=str(tmp_path)).read(folder))) == 60


@pytest.mark.filterwarnings(INCOMPLETE)
def test_songs_videos_and_copies_are_left_out_and_counted(tmp_path, caplog):
    folder = write_ravdess(tmp_path, actors=[1, 2])
    clip = folder / "Actor_01" / "03-01-05-01-01-01-01.wav"
    shutil.copytree(folder, tmp_path / "copy")
    shutil.move(tmp_path / "copy", folder / "audio_speech_actors_01-24")
    shutil.copy(clip, folder / "Actor_01" / "03-02-05-01-01-01-01.wav")
    shutil.copy(clip, folder / "Actor_01" / "01-01-05-01-01-01-01.mp4")
    shutil.copy(clip, folder / "Actor_01" / "02-01-05-01-01-01-01.wav")
    shutil.copy(clip, folder / "Actor_01" / "._03-01-05-01-01-01-01.wav")
    with caplog.at_level("INFO", logger="lightning.pytorch"):
        clips = list(Ravdess(root=str(tmp_path)).read(folder))
    assert len(clips) == 120
    assert all(clip.path.startswith("Actor_0") for clip in clips)
    assert "left out 2 songs and videos and 120 second copies" in caplog.text


def test_a_release_one_level_deeper_is_found(tmp_path):
    write_ravdess(tmp_path / "ravdess", actors=[3])
    (tmp_path / "ravdess" / "ravdess").rename(tmp_path / "ravdess" / "Audio_Speech")
    clips = list(Ravdess(root=str(tmp_path)).read(tmp_path / "ravdess"))
    assert len(clips) == 60
    assert clips[0].path.startswith("Audio_Speech/Actor_03/")


def test_an_incomplete_release_is_used_under_a_warning_each_time(tmp_path):
    write_ravdess(tmp_path, actors=[5])
    corpus = Ravdess(root=str(tmp_path))
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"has 60 clips, the release has 1440; .* not comp"):
            corpus.prepare_data()


def test_an_empty_folder_is_refused_with_the_path_looked_for(tmp_path):
    (tmp_path / "ravdess").mkdir()
    with pytest.raises(CorpusError, match=r"No clip of RAVDESS in .*/ravdess: looked for Actor_NN"):
        set_up(tmp_path)


def test_a_missing_folder_is_refused_with_the_path_looked_for(tmp_path):
    with pytest.raises(CorpusError, match=r"looked for .*/nowhere/ravdess.* Set `root`.*zenodo"):
        set_up(tmp_path / "nowhere")


@pytest.mark.filterwarnings(INCOMPLETE)
def test_calm_is_served_and_can_be_dropped_or_merged(tmp_path, caplog):
    write_ravdess(tmp_path, actors=[1, 2, 6])
    assert len(Ravdess().taxonomy) == 8
    common = ["angry", "happy", "neutral", "sad", "fear", "disgust", "surprise"]
    with caplog.at_level("INFO", logger="lightning.pytorch"):
        dropped = set_up(tmp_path, labels=common)
    assert dropped.censuses[0].dropped == {"calm": 24}
    assert "calm: 24 clips dropped" in caplog.text
    merged = set_up(tmp_path, label_map={"calm": "neutral"})
    assert merged.taxonomy.labels == tuple(common)
    assert Counter(clip.label for clip in merged.clips("test"))["neutral"] == 4 + 8


def test_the_fake_has_the_names_of_the_real_release(shared):
    real = {path.stem for path in (shared / "corpora" / "ravdess").glob("Actor_*/*.flac")}
    assert set(stems()) == real


@pytest.mark.parametrize("fold", range(1, 7))
def test_clips_and_labels_of_a_fold_are_those_of_emobox(shared, fold):
    lists = shared / "annotations" / "emobox" / "ravdess"
    names = json.loads((lists / "label_map.json").read_text())
    corpus = Ravdess(fold=fold)
    parted = corpus.partition(list(corpus.read(shared / "corpora" / "ravdess")))
    for part, splits in (("test", {"test"}), ("train", {"train", "val"})):
        lines = (lists / f"fold_{fold}" / f"ravdess_{part}_fold_{fold}.jsonl").read_text()
        rows = [json.loads(line) for line in lines.splitlines()]
        listed = {row["key"].removeprefix("ravdess-"): names[row["emo"]].lower() for row in rows}
        assert {clip.id: clip.label for clip in parted if clip.split in splits} == listed


def test_the_real_release_is_whole_and_decoded_once(shared, monkeypatch):
    corpus = set_up(shared / "corpora")
    monkeypatch.setattr(audio, "check", lambda *_: pytest.fail("a clip was decoded again"))
    again = set_up(shared / "corpora", fold=2, loading=LoaderSettings(max_seconds=4.0))
    assert sum(corpus.censuses[0].counts.values()) == 1440
    assert corpus.censuses[0].skipped == ()
    hours = sum(clip.seconds for split in ("train", "val", "test") for clip in corpus.clips(split))
    assert hours / 3600 == pytest.approx(1.48, abs=0.01)
    assert again.censuses[0].cropped == sum(
        clip.seconds > 4.0 for split in ("train", "val", "test") for clip in again.clips(split)
    )


def test_a_linked_folder_of_actors_is_looked_into(tmp_path):
    folder = write_ravdess(tmp_path, actors=(1, 2))
    names = [clip.id for clip in Ravdess().read(folder)]
    folder.rename(tmp_path / "elsewhere")
    folder.mkdir()
    (folder / "Audio_Speech_Actors_01-24").symlink_to(tmp_path / "elsewhere")
    assert [clip.id for clip in Ravdess().read(folder)] == names
