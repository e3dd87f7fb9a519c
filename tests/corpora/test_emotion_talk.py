"""EmotionTalk: JSONs or tables, labels by modality, captions by kind, the official groups."""

from collections import Counter

import numpy as np
import pytest

from emolit.corpora.emotion_talk import EMOTIONS, EmotionTalk, canonical, read_archived_labels
from emolit.errors import AudioError, ConfigError, CorpusError
from tests.fakes.emotion_talk import names, save, write_emotion_talk, write_tables

pytestmark = pytest.mark.filterwarnings("ignore:'emotiontalk' in .* has .* clips, the release has")


def set_up(root, **settings):
    corpus = EmotionTalk(root=str(root), **settings)
    corpus.prepare_data()
    corpus.setup()
    return corpus


def by_id(corpus):
    return {clip.id: clip for split in ("train", "val", "test") for clip in corpus.clips(split)}


@pytest.mark.parametrize("key", ["file_name", "file_path"])
def test_jsons_give_labels_speakers_transcripts_and_captions(tmp_path, key):
    write_emotion_talk(tmp_path, key=key)
    clips = by_id(set_up(tmp_path, caption="style", splits="official", speaker_independent=False))
    assert sorted(clips) == sorted(names())
    clip = clips["G00001_42_01_024"]
    assert clip.path == "Audio/wav/G00001/G00001_42/G00001_42_01/G00001_42_01_024.wav"
    assert (clip.label, clip.speaker, clip.split) == ("happy", "01", "val")
    assert (clip.dialog, clip.turn) == ("G00001_42", 24.0)
    assert clip.transcript == "还给他点饭。"
    assert clip.captions == tuple(f"style 024 低沉，第{n}句。" for n in range(4))
    assert {clips[name].label for name in names()} == set(EMOTIONS)


def test_validation_hears_no_speaker_of_the_test_unless_it_is_asked_for(tmp_path):
    write_emotion_talk(tmp_path)
    corpus = set_up(tmp_path)
    assert {clip.speaker for clip in corpus.clips("val")} == {"01", "15"}
    assert {clip.speaker for clip in corpus.clips("test")} == {"02", "13", "20", "21"}
    assert corpus.censuses[0].outside == 4
    with pytest.raises(CorpusError, match=r"not speaker-independent: 02 in test and val, 13 in"):
        set_up(tmp_path, splits="official")
    corpus = set_up(tmp_path, splits="official", speaker_independent=False)
    assert corpus.censuses[0].counts == {"train": 4, "val": 8, "test": 8}
    assert "validation and test share speakers 02 and 13" in str(corpus.censuses[0])


@pytest.mark.parametrize(("modality", "label"), [("audio", "happy"), ("multimodal", "sad")])
def test_labels_are_those_of_the_modality_and_reports_say_so(tmp_path, modality, label):
    write_emotion_talk(tmp_path)
    corpus = set_up(tmp_path, modality=modality)
    assert by_id(corpus)["G00001_42_01_024"].label == label
    assert f"labels: {modality}" in str(corpus.censuses[0])


def test_tables_of_the_repository_take_the_place_of_labels_and_texts(tmp_path):
    folder = write_emotion_talk(tmp_path)
    write_tables(folder / "tables")
    clips = by_id(set_up(tmp_path, modality="multimodal", caption="overall"))
    clip = clips["G00001_42_01_024"]
    assert (clip.label, clip.sentiment, clip.transcript) == ("sad", -0.4, "还给他点饭。")
    assert by_id(set_up(tmp_path))["G00001_42_01_024"].sentiment is None


def test_audio_and_tables_are_enough_without_captions(tmp_path):
    folder = write_emotion_talk(tmp_path)
    for part in ("Audio/json", "Multimodal"):
        (folder / part).rename(tmp_path / part.replace("/", "-"))
    with pytest.raises(CorpusError, match=r"No labels of EmotionTalk.*Audio/json.*audio_label.npz"):
        set_up(tmp_path)
    write_tables(folder)
    assert len(by_id(set_up(tmp_path, splits="official", speaker_independent=False))) == 20
    with pytest.raises(CorpusError, match=r"No caption of the kind 'overall' is in the 0 JSON"):
        set_up(tmp_path, caption="overall")


def test_an_utterance_without_the_caption_wanted_is_in_no_split_and_counted(tmp_path):
    folder = write_emotion_talk(tmp_path)
    name = "G00009_42_14_001"
    place = folder / "Audio/json/G00009/G00009_42/G00009_42_14" / f"{name}.json"
    save(place, {"emotion_result": "sad", "sourceAttr": {"style": "慢"}})
    corpus = set_up(tmp_path, caption="overall")
    assert name not in by_id(corpus)
    assert corpus.censuses[0].outside == 5
    assert name in by_id(set_up(tmp_path))


def test_keys_and_marks_are_logged(tmp_path, caplog):
    folder = write_emotion_talk(tmp_path)
    with caplog.at_level("INFO", logger="lightning.pytorch"):
        list(EmotionTalk().read(folder))
    assert "'sourceAttr/overall'" in caplog.text
    assert "[over/] 20, [/over] 20" in caplog.text


def test_a_listed_utterance_without_audio_is_reported(tmp_path):
    folder = write_emotion_talk(tmp_path)
    (folder / "Audio/wav/G00009/G00009_42/G00009_42_14/G00009_42_14_001.wav").unlink()
    with pytest.raises(AudioError, match=r"G00009_42_14_001\.wav"):
        set_up(tmp_path)


def test_what_does_not_fit_is_refused():
    with pytest.raises(CorpusError, match=r"'a' of EmotionTalk is 'joyful', none of"):
        canonical("joyful", "a")
    with pytest.raises(ConfigError, match=r"`modality` of EmotionTalk is 'video'"):
        EmotionTalk(modality="video")
    with pytest.raises(ConfigError, match=r"`caption` of EmotionTalk is 'mood'; choose one of"):
        EmotionTalk(caption="mood")
    with pytest.raises(ConfigError, match=r"`splits` of EmotionTalk is 'speaker'; choose one of"):
        EmotionTalk(splits="speaker")


@pytest.mark.parametrize(
    "row", [("G00001_42_01_001", 0), ("G00009_42_01", 0), ("G00009_42_01_001", 7)]
)
def test_an_archive_of_other_parts_names_or_codes_is_refused(tmp_path, row):
    labels = np.array({row[0]: {"emo": row[1], "val": -10}}, dtype=object)
    np.savez(tmp_path / "audio_label.npz", train_corpus=labels)
    with pytest.raises(
        CorpusError, match=rf"audio_label.npz has '{row[0]}' with .* in its train part"
    ):
        read_archived_labels(tmp_path / "audio_label.npz")


def test_the_real_tables_have_the_published_numbers(shared):
    folder = shared / "annotations" / "emotiontalk"
    audio, whole = (
        read_archived_labels(folder / "audio_label.npz"),
        read_archived_labels(folder / "mm_label.npz"),
    )
    assert len(audio) == EmotionTalk.size == len(whole)
    assert Counter(label for label, _ in audio.values()) == {
        "neutral": 9378, "happy": 2105, "sad": 1110, "angry": 3820, "surprise": 1363,
        "disgust": 818, "fear": 656,
    }  # fmt: skip
    assert sum(audio[name][0] != whole[name][0] for name in audio) == 6205
    assert {value for _, value in audio.values()} == {None}
    assert min(value for _, value in whole.values()) == -2.0


def test_the_real_names_give_the_official_splits(shared):
    from emolit.types import Clip

    labels = read_archived_labels(shared / "annotations" / "emotiontalk" / "audio_label.npz")
    clips = [Clip(name, "emotiontalk", "a.wav", speaker=name.split("_")[2]) for name in labels]
    for splits, val in (("official", 1908), ("speakers", 953)):
        placed = EmotionTalk(splits=splits).partition(clips)
        counts = Counter(clip.split for clip in placed)
        assert (counts["train"], counts["val"], counts["test"]) == (15_413, val, 1929)
