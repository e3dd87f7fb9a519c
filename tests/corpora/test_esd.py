import json
import shutil
from collections import Counter

import pytest

from emolit.corpora.esd import FOLDS, SPEAKERS, WOMEN, Esd, validation_speakers
from emolit.errors import ConfigError, CorpusError
from tests.fakes.esd import write_esd

pytestmark = pytest.mark.filterwarnings("ignore:'esd' in .* has .* clips, the release has 35000")


def set_up(root, **settings):
    corpus = Esd(root=str(root), **settings)
    corpus.prepare_data()
    corpus.setup()
    return corpus


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("release")
    write_esd(root, top="Emotional Speech Dataset (ESD)")
    return root


@pytest.mark.parametrize("older", [False, True])
def test_both_packings_give_labels_speakers_and_transcripts(tmp_path, older):
    clips = {clip.id: clip for clip in Esd().read(write_esd(tmp_path, older=older))}
    assert len(clips) == 300
    clip = clips["0011_000351"]
    assert clip.path == f"ESD/0011/Angry/{'evaluation/' if older else ''}0011_000351.wav"
    assert (clip.label, clip.speaker) == ("angry", "0011")
    assert clip.transcript == "The kettle is on the stove."
    assert Counter(clip.label for clip in clips.values()) == dict.fromkeys(Esd.labels, 60)


def test_texts_in_every_encoding_are_read_and_odd_lines_counted(root, caplog):
    with caplog.at_level("INFO", logger="lightning.pytorch"):
        clips = list(Esd().read(root / "esd"))
    for speaker in ("0001", "0002", "0003", "0004", "0005"):
        texts = {clip.transcript for clip in clips if clip.speaker == speaker}
        assert texts == {"今天的天气很好"}, speaker
    assert "esd: 20 lines of the texts in" in caplog.text


def test_clips_without_text_are_counted(tmp_path, caplog):
    folder = write_esd(tmp_path)
    (folder / "ESD" / "0003" / "0003.txt").unlink()
    with caplog.at_level("INFO", logger="lightning.pytorch"):
        clips = list(Esd().read(folder))
    assert "esd: 15 of 300 clips have no transcript" in caplog.text
    assert {clip.speaker for clip in clips if clip.transcript is None} == {"0003"}


def test_the_five_folds_part_the_speakers():
    assert sorted(who for fold in FOLDS for who in fold) == list(SPEAKERS)


@pytest.mark.parametrize("fold", range(1, 6))
def test_a_fold_keeps_speakers_apart_and_holds_two_of_each_language(root, fold):
    corpus = set_up(root, fold=fold)
    assert corpus.censuses[0].counts == {"train": 180, "val": 60, "test": 60}
    assert {clip.speaker for clip in corpus.clips("test")} == set(FOLDS[fold - 1])
    held = validation_speakers(fold)
    assert sorted((who > "0010", who in WOMEN) for who in held) == [
        (False, False), (False, True), (True, False), (True, True),
    ]  # fmt: skip
    others = [validation_speakers(other) for other in range(1, 6) if other != fold]
    assert held not in others


def test_official_parts_share_speakers_and_no_sentence(root):
    with pytest.raises(CorpusError, match="'esd' are not speaker-independent"):
        set_up(root, splits="official")
    corpus = set_up(root, splits="official", speaker_independent=False)
    numbers = {
        split: {(int(clip.id[-6:]) - 1) % 350 + 1 for clip in corpus.clips(split)}
        for split in ("val", "test", "train")
    }
    assert numbers == {"val": {1}, "test": {21}, "train": {51}}
    assert corpus.emobox_fold is None


def test_a_language_serves_its_ten_speakers_and_counts_the_others(root):
    corpus = set_up(root, language="en", fold=2)
    served = {clip.speaker for split in ("train", "val", "test") for clip in corpus.clips(split)}
    assert served == {f"{number:04d}" for number in range(11, 21)}
    assert corpus.censuses[0].outside == 150
    assert "150 clips in no split" in str(corpus.censuses[0])
    with pytest.raises(ConfigError, match=r"is 3; choose one of .*2, 4, 5\] under `language: en`"):
        Esd(language="en", fold=3)
    with pytest.raises(ConfigError, match=r"`fold` of Esd is 6; choose one of \[1, 2, 3, 4, 5\]"):
        Esd(fold=6)
    with pytest.raises(ConfigError, match=r"`language` of Esd is 'de'; choose one of \[None, 'en'"):
        Esd(language="de")
    with pytest.raises(ConfigError, match=r"`splits` of Esd is 'speaker'; choose one of"):
        Esd(splits="speaker")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0001/Angry", "0001/Wut", "blocks of 350"),
        ("0001/Angry/0001_000351.wav", "0001/Angry/0021_000351.wav", "speakers are 0001 to 0020"),
        ("0001/Angry/0001_000351.wav", "0001/Angry/0001_001751.wav", "blocks of 350"),
        ("0001/Angry/0001_000351.wav", "0001/Sad/0001_000351.wav", "Angry"),
    ],
)
def test_renamed_folders_and_files_are_refused(tmp_path, old, new, message):
    top = write_esd(tmp_path) / "ESD"
    (top / old).rename(top / new)
    with pytest.raises(CorpusError, match=rf"is no clip of ESD: .*{message}"):
        set_up(tmp_path)


def test_a_clip_in_the_folder_of_another_part_is_refused(tmp_path):
    top = write_esd(tmp_path, older=True) / "ESD" / "0001" / "Angry"
    (top / "train" / "0001_000401.wav").rename(top / "test" / "0001_000401.wav")
    with pytest.raises(CorpusError, match=r"0001_000401.wav stands in 'test'; .* the train part"):
        set_up(tmp_path)


def test_both_packings_at_once_are_refused(tmp_path):
    folder = write_esd(tmp_path)
    shutil.copytree(folder / "ESD", folder / "ESD (copy)")
    with pytest.raises(CorpusError, match="Clips of 'esd' share an id: "):
        set_up(tmp_path)


def test_an_empty_folder_is_refused_with_what_was_looked_for(tmp_path):
    (tmp_path / "esd").mkdir()
    with pytest.raises(CorpusError, match=r"No clip of ESD in .*/esd: looked for 0001/Angry/0001_"):
        set_up(tmp_path)


def test_the_listed_part_of_emoboxs_first_fold_agrees(shared, tmp_path):
    file = shared / "annotations" / "emobox" / "esd" / "fold_1" / "esd_test_fold_1.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    numbers = {int(row["key"][-6:]) for row in rows}
    folder = write_esd(tmp_path, sentences={(number - 1) % 350 + 1 for number in numbers})
    corpus = Esd(fold=1, root=str(tmp_path))
    tested = {
        clip.path.removeprefix("ESD/"): clip.label
        for clip in corpus.partition(list(corpus.read(folder)))
        if clip.split == "test"
    }
    listed = {row["wav"].removeprefix("downloads/esd/"): row["emo"].lower() for row in rows}
    assert listed.items() <= tested.items()


def test_every_test_part_is_as_large_as_emoboxs(shared):
    summary = json.loads((shared / "reference" / "emobox_folds_summary.json").read_text())["esd"]
    for fold in range(1, 6):
        counts = summary["folds"][str(fold)]["test"]["labels"]
        assert counts == dict.fromkeys(summary["label_map"], len(FOLDS[fold - 1]) * 350)


def test_linked_speakers_are_read(tmp_path):
    folder = write_esd(tmp_path, (1,))
    for number in range(11, 21):
        (folder / "ESD" / f"{number:04d}").rename(tmp_path / f"{number:04d}")
        (folder / "ESD" / f"{number:04d}").symlink_to(tmp_path / f"{number:04d}")
    clips = list(Esd().read(folder))
    assert len(clips) == 100
    assert all(clip.transcript for clip in clips)


def test_english_is_read_in_the_encoding_of_windows_and_mandarin_in_that_of_china(tmp_path):
    folder = write_esd(tmp_path, (1,))
    for speaker, text, encoding in (
        ("0011", "it’s “fine”, no?", "cp1252"), ("0003", "打远一点“吧”", "gb18030"),
    ):  # fmt: skip
        file = folder / "ESD" / speaker / f"{speaker}.txt"
        file.write_bytes(f"{speaker}_000001\t{text}\tNeutral\r\n".encode(encoding))
        said = {clip.id: clip.transcript for clip in Esd().read(folder)}
        assert said[f"{speaker}_000001"] == text
