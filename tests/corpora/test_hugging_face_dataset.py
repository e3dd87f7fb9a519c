"""Data sets that `datasets` wrote, read back; each clip tells by its pitch which row it is."""

import gc
import sys
from collections import Counter

import numpy as np
import pytest
import soundfile
from datasets import Dataset

from emolit.corpora.hugging_face_dataset import HuggingFaceDataset
from emolit.data.dataset import LoaderSettings
from emolit.errors import AudioError, ConfigError, CorpusError
from emolit.prompts.direct import Direct
from tests.fakes import hugging_face as fake

CODES = {"ang": "angry", "hap": "happy"}
COLUMNS = {"label": "emotion", "speaker": "speaker_id", "transcript": "sentence"}


pytestmark = pytest.mark.filterwarnings(
    "ignore:unclosed file:ResourceWarning",  # `datasets` leaves metadata.csv of a folder open
    "ignore:Exception ignored in.*metadata:pytest.PytestUnraisableExceptionWarning",
)


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    """No test asks the hub; what `datasets` caches stays out of the user's home."""
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "hf")


def set_up(root, path, **settings):
    settings = {"columns": COLUMNS, "label_map": CODES, **settings}
    corpus = HuggingFaceDataset(path, root=str(root), **settings)
    corpus.prepare_data()
    corpus.setup()
    return corpus


def served(corpus):
    return [clip for split in ("train", "val", "test") for clip in corpus.clips(split)]


def pitch(samples):
    return np.abs(np.fft.rfft(samples)).argmax() * fake.RATE / len(samples)


def assert_heard(corpus):
    """The loader's waveforms are those of the rows."""
    corpus.prompt = Direct()
    wanted = {CODES.get(name, name): hertz for name, hertz in fake.PITCH.items()}
    heard = 0
    for batch in corpus.test_dataloader():
        for clip, waveform in zip(batch.clips, batch.waveforms, strict=True):
            assert pitch(waveform.numpy()) == pytest.approx(wanted[clip.label], abs=11)
            heard += 1
    assert heard == len(corpus.clips("test"))


@pytest.mark.parametrize("write", [fake.write_parquet, fake.write_saved])
def test_classes_columns_splits_and_sound_of_a_data_set_with_embedded_audio(tmp_path, write):
    write(tmp_path / "Emo set")
    corpus = set_up(tmp_path, "Emo set")
    assert corpus.name == "emo_set"
    assert corpus.censuses[0].counts == {"train": 9, "val": 3, "test": 6}
    assert corpus.taxonomy.labels == ("angry", "happy", "sad")
    (clip,) = [clip for clip in corpus.clips("val") if clip.label == "angry"]
    assert (clip.speaker, clip.transcript, clip.seconds) == ("d", "d is ang.", 0.1)
    assert_heard(corpus)


@pytest.mark.parametrize("kind", ["FLAC", "OGG", "MP3"])
def test_audio_is_decoded_by_emolit_whatever_its_kind(tmp_path, kind):
    fake.write_parquet(tmp_path / "set", kind=kind)
    corpus = set_up(tmp_path, "set")
    assert {clip.path.rpartition(".")[2] for clip in served(corpus)} == {kind.lower()}
    assert_heard(corpus)


def test_fields_inside_of_fields_of_an_archive_are_named_with_a_dot(tmp_path):
    fake.write_tars(tmp_path / "archives")
    named = {"label": "json.emotion", "speaker": "json.who", "transcript": "txt", "id": "__key__"}
    corpus = set_up(tmp_path, "archives", columns=named)
    assert corpus.censuses[0].counts == {"train": 9, "val": 3, "test": 6}
    assert {clip.id for clip in corpus.clips("val")} == {"d_sad", "d_ang", "d_hap"}
    assert_heard(corpus)


@pytest.mark.parametrize(
    ("write", "file"),
    [
        (fake.write_parquet, "train-00000-of-00001.parquet"),
        (fake.write_saved, "train/data-00000-of-00001.arrow"),
        (fake.write_tars, "train-000000.tar"),
    ],
)
def test_a_single_file_has_splits_of_ours_by_speaker(tmp_path, write, file):
    write(tmp_path / "set", ["train"])
    tar = {"label": "json.emotion", "speaker": "json.who"}
    columns = tar if file.endswith(".tar") else COLUMNS
    corpus = set_up(tmp_path, f"set/{file}", columns=columns)
    assert corpus.censuses[0].counts == {"train": 3, "val": 3, "test": 3}
    assert corpus.censuses[0].speaker_independent


def test_a_folder_of_audio_is_linked_to_and_not_copied(tmp_path):
    folder = tmp_path / "set" / "train"
    folder.mkdir(parents=True)
    lines = ["file_name,emotion,who"]
    for row in fake.rows_of("train"):
        (folder / row["audio"]["path"]).write_bytes(row["audio"]["bytes"])
        lines.append(f"{row['audio']['path']},{fake.EMOTIONS[row['emotion']]},{row['speaker_id']}")
    (folder / "metadata.csv").write_text("\n".join(lines))
    corpus = set_up(tmp_path, "set", columns={"label": "emotion", "speaker": "who"})
    files = [corpus.location / clip.path for clip in served(corpus)]
    gc.collect()
    assert {file.resolve().parent for file in files} == {folder}
    assert len(files) == 9
    assert_heard(corpus)


def test_what_was_unpacked_is_read_again_without_datasets(tmp_path, monkeypatch):
    fake.write_parquet(tmp_path / "set")
    first = set_up(tmp_path, "set")
    monkeypatch.setitem(sys.modules, "datasets", None)
    again = set_up(tmp_path, "set")
    assert again.location == first.location
    assert served(again) == served(first)


def test_a_file_that_has_changed_is_unpacked_anew(tmp_path):
    fake.write_parquet(tmp_path / "set")
    first = set_up(tmp_path, "set")
    fake.dataset_of(fake.rows_of("test")[:3]).to_parquet(
        tmp_path / "set/test-00000-of-00001.parquet"
    )
    again = set_up(tmp_path, "set")
    assert again.location != first.location
    assert again.censuses[0].counts == {"train": 9, "val": 3, "test": 3}


def test_the_first_rows_of_each_split_may_be_enough(tmp_path):
    fake.write_parquet(tmp_path / "set")
    corpus = set_up(tmp_path, "set", take=2, label_map={"ang": "angry"})
    assert corpus.censuses[0].counts == {"train": 2, "val": 2, "test": 2}
    assert len(list(corpus.location.rglob("*.wav"))) == 6


def test_splits_of_other_names_are_mapped_or_left_out_or_refused(tmp_path):
    fake.write_parquet(tmp_path / "set")
    for old, new in (("train", "fit"), ("validation", "unlabeled")):
        file = tmp_path / "set" / f"{old}-00000-of-00001.parquet"
        file.rename(file.with_name(f"{new}.parquet"))
    (tmp_path / "set/README.md").write_text(
        "---\nconfigs:\n- config_name: default\n  data_files:\n"
        "  - {split: fit, path: fit.parquet}\n  - {split: unlabeled, path: unlabeled.parquet}\n"
        "  - {split: test, path: test-00000-of-00001.parquet}\n---\n"
    )
    with pytest.raises(
        ConfigError, match=r"The splits \['fit', 'unlabeled'\] of .set. are unknown"
    ):
        set_up(tmp_path, "set")
    corpus = set_up(tmp_path, "set", split_map={"fit": "train", "unlabeled": None})
    assert corpus.censuses[0].counts == {"train": 9, "val": 0, "test": 6}
    assert not (corpus.location / "unlabeled").exists()
    with pytest.raises(ConfigError, match=r"`split_map` of 'set' names the splits \['dev'\]"):
        set_up(tmp_path, "set", split_map={"dev": "val"})


def test_no_split_of_the_data_set_is_meant_where_the_user_says_so(tmp_path):
    fake.write_parquet(tmp_path / "set")
    corpus = set_up(tmp_path, "set", columns={**COLUMNS, "split": None})
    assert Counter(clip.split for clip in served(corpus)) == {"train": 12, "val": 3, "test": 3}


def test_a_class_without_a_number_of_its_own_is_no_silent_zero(tmp_path):
    rows = fake.rows_of("train")
    rows[4]["emotion"] = None
    fake.dataset_of(rows).to_parquet(tmp_path / "train.parquet")
    with pytest.raises(CorpusError, match=r"train\.jsonl, row 5: there is neither 'label' nor"):
        set_up(tmp_path, "train.parquet")


def test_a_row_without_audio_is_bad_audio(tmp_path):
    rows = fake.rows_of("train")
    rows[4]["audio"] = None
    rows[5]["audio"]["bytes"] = b"no sound"
    fake.dataset_of(rows).to_parquet(tmp_path / "train.parquet")
    with pytest.raises(AudioError, match=r"2 of 9 clips of 'train' cannot be used.*length zero"):
        set_up(tmp_path, "train.parquet")
    corpus = set_up(tmp_path, "train.parquet", loading=LoaderSettings(on_bad_audio="skip"))
    assert len(served(corpus)) == 7
    assert len(corpus.censuses[0].skipped) == 2


def test_arrays_and_names_of_files_are_audio_too(tmp_path):
    times = np.arange(1600) / fake.RATE
    waves = [0.3 * np.sin(2 * np.pi * hertz * times) for hertz in (200, 400, 600)]
    said = {"label": ["sad", "angry", "happy"], "speaker": list("abc")}
    arrays = [{"array": wave.tolist(), "sampling_rate": fake.RATE} for wave in waves]
    Dataset.from_dict({"speech": arrays, **said}).to_parquet(tmp_path / "arrays.parquet")
    for name, wave in zip("abc", waves, strict=True):
        soundfile.write(tmp_path / f"{name}.wav", wave, fake.RATE)
    files = {"file": [f"{name}.wav" for name in "abc"], **said}
    Dataset.from_dict(files).to_parquet(tmp_path / "files.parquet")
    for path, audio in (("arrays.parquet", None), ("files.parquet", "file")):
        corpus = set_up(tmp_path, path, audio=audio, columns=None, label_map=None)
        assert len(served(corpus)) == 3
        assert_heard(corpus)


def test_a_column_of_audio_that_is_not_there_or_not_the_only_one_is_a_sentence(tmp_path):
    fake.write_parquet(tmp_path / "set")
    with pytest.raises(ConfigError, match=r"no column 'sound' for `audio`; it has \['audio', 'emo"):
        set_up(tmp_path, "set", audio="sound")
    Dataset.from_dict({"file": ["a.wav"], "label": ["sad"]}).to_parquet(tmp_path / "files.parquet")
    with pytest.raises(ConfigError, match=r"0 columns of audio \[\]; name one of \['file', 'label"):
        set_up(tmp_path, "files.parquet")


def test_columns_that_are_not_there_or_not_ours_are_a_sentence(tmp_path):
    fake.write_parquet(tmp_path / "set")
    with pytest.raises(ConfigError, match=r"`columns` of 'set' takes \['emo'\], which .*'emotion'"):
        set_up(tmp_path, "set", columns={"label": "emo"})
    with pytest.raises(ConfigError, match=r"names \['emotion'\].*Write emolit's name first"):
        set_up(tmp_path, "set", columns={"emotion": "label"})
    with pytest.raises(ConfigError, match=r"names 'path'; name it as `audio`"):
        set_up(tmp_path, "set", columns={"path": "audio"})
    with pytest.raises(CorpusError, match=r"Rename 'emotion' to 'label', or set `columns: {label:"):
        set_up(tmp_path, "set", columns=None)


def test_all_unknown_labels_are_named_at_once(tmp_path):
    fake.write_parquet(tmp_path / "set")
    with pytest.raises(CorpusError, match=r"the label 'ang' is unknown, and so are 'hap' \(row 3"):
        set_up(tmp_path, "set", label_map=None)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "nobody/nothing",
            r"'nobody/nothing' cannot be had from the Hugging Face Hub: .* go online",
        ),
        ("gone.parquet", r"The data set .*/gone\.parquet is missing\. Put it there"),
        ("a/b/c", r"The data set .*/a/b/c is missing"),
        ("table.csv", r"table\.csv is none of \.parquet, \.arrow, \.tar.*read by `Manifest`"),
        ("empty", r"`datasets` cannot read .*/empty: "),
        ("broken.parquet", r"broken\.parquet"),
        ("broken.tar", r"broken\.tar"),
    ],
)
def test_what_cannot_be_read_is_a_sentence_and_leaves_nothing(tmp_path, cache, path, message):
    (tmp_path / "table.csv").write_text("path,label\n")
    (tmp_path / "empty").mkdir()
    for name in ("broken.parquet", "broken.tar"):
        (tmp_path / name).write_bytes(b"PAR1 this is neither" * 100)
    with pytest.raises(CorpusError, match=message):
        set_up(tmp_path, path)
    assert not [folder for folder in cache.glob("datasets/*") if folder.is_dir()]


def test_an_archive_that_was_cut_between_two_clips_is_refused(tmp_path, cache):
    fake.write_tars(tmp_path / "set")
    archive = tmp_path / "set/train-000000.tar"
    content = archive.read_bytes()
    archive.write_bytes(content[: content.index(b"c_sad.flac")])
    with pytest.raises(CorpusError, match=r"train-000000\.tar was cut, or is no tar: it does not"):
        set_up(tmp_path, "set", columns={"label": "json.emotion", "speaker": "json.who"})
    assert not [*cache.glob("datasets/*")]


def test_without_datasets_a_sentence_says_what_to_install(tmp_path, monkeypatch):
    fake.write_parquet(tmp_path / "set")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ConfigError, match=r"`datasets`, which is not installed.*emolit\[datasets"):
        set_up(tmp_path, "set")


def test_take_is_one_or_more():
    with pytest.raises(ConfigError, match="`take` of 'set' is 0; it must be 1 or more"):
        HuggingFaceDataset("set", take=0)
