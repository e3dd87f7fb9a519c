"""Folders as Kaldi and ESPnet write them."""

from collections import Counter

import pytest

from emolit.corpora.kaldi import Kaldi, read_pairs
from emolit.errors import AudioError, ConfigError, CorpusError
from tests.fakes.listing import write_tone

CODES = {"ang": "angry", "hap": "happy"}


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in files.items():
        text = "".join(f"{line}\n" for line in lines)
        (folder / name.replace("wav_scp", "wav.scp")).write_text(text, encoding="utf-8")


def write_folder(root, place, speakers, labels="utt2emo"):
    """Write a folder with two utterances a speaker; paths are relative to the root."""
    names = [(who, emotion, f"{who}-{emotion}") for who in speakers for emotion in CODES]
    for *_, name in names:
        write_tone(root / "wav" / f"{name}.wav")
    write(
        root / place,
        wav_scp=[f"{name} wav/{name}.wav" for *_, name in names],
        utt2spk=[f"{name} {who}" for who, _, name in names],
        text=[f"{name} it is {emotion}" for _, emotion, name in names],
        **{labels: [f"{name}\t{emotion}" for _, emotion, name in names]},
    )


def set_up(root, path="data", **settings):
    corpus = Kaldi(path, root=str(root), **{"label_map": CODES, **settings})
    corpus.prepare_data()
    corpus.setup()
    return corpus


def served(corpus):
    return [clip for split in ("train", "val", "test") for clip in corpus.clips(split)]


def test_a_folder_a_split(tmp_path):
    for split, speakers in (("train", "ab"), ("dev", "c"), ("test", "d")):
        write_folder(tmp_path, f"data/{split}", speakers)
    (tmp_path / "data/local").mkdir()
    corpus = set_up(tmp_path)
    assert corpus.name == "data"
    assert corpus.censuses[0].counts == {"train": 4, "val": 2, "test": 2}
    clip = corpus.clips("test")[1]
    assert (clip.id, clip.path, clip.label) == ("d-hap", "wav/d-hap.wav", "happy")
    assert (clip.speaker, clip.transcript, clip.seconds) == ("d", "it is hap", 0.05)


def test_a_single_folder_has_splits_of_ours_by_speaker(tmp_path):
    write_folder(tmp_path, "data", "abcde", labels="emotion")
    corpus = set_up(tmp_path)
    assert corpus.censuses[0].counts == {"train": 6, "val": 2, "test": 2}
    assert corpus.censuses[0].speaker_independent


def test_folders_of_other_names_are_mapped_or_left_out(tmp_path):
    for split, speakers in (("tr", "ab"), ("et", "d"), ("extra", "e")):
        write_folder(tmp_path, f"data/{split}", speakers)
    with pytest.raises(ConfigError, match=r"The splits \['et', 'extra', 'tr'\] of 'data' are"):
        set_up(tmp_path)
    corpus = set_up(tmp_path, split_map={"tr": "train", "et": "test", "extra": None})
    assert corpus.censuses[0].counts == {"train": 4, "val": 0, "test": 2}


def test_segments_are_parts_of_recordings(tmp_path):
    write_tone(tmp_path / "talk.wav", 0.6)
    write(
        tmp_path / "data",
        wav_scp=[f"talk {tmp_path / 'talk.wav'}"],
        segments=["u1 talk 0.0 0.2", "u2 talk 0.2 0.35", "u3  talk 0.35 -1"],
        utt2spk=["u1 a", "u2 b", "u3 c"],
        utt2emo=["u1 ang", "u2 hap", "u3 sad"],
    )
    parts = {clip.id: (clip.start, clip.end, round(clip.seconds, 3))
             for clip in served(set_up(tmp_path))}  # fmt: skip
    assert parts == {"u1": (0, 0.2, 0.2), "u2": (0.2, 0.35, 0.15), "u3": (0.35, None, 0.25)}
    write(tmp_path / "data", segments=["u1 talk 0.0 0.2", "u2 talk 0.2 0.35", "u3 talk 0.35 9"])
    with pytest.raises(
        AudioError, match=r"lasts 0\.60 s; the clip is listed from 0\.35 s to 9\.00"
    ):
        set_up(tmp_path)


def test_utterances_that_are_their_own_speakers_have_none(tmp_path):
    write_folder(tmp_path, "data", "abcd")
    names = [*read_pairs(tmp_path / "data/wav.scp", "path")]
    write(tmp_path / "data", utt2spk=[f"{name} {name}" for name in names])
    with pytest.raises(CorpusError, match="neither `split` nor a speaker for 8 clips"):
        set_up(tmp_path)
    corpus = set_up(tmp_path, speaker_independent=False)
    assert Counter(clip.speaker for clip in served(corpus)) == {None: 8}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "a-ang sph2pipe -f wav x.sph |",
            r"wav\.scp, row 1: 'sph2pipe .* \|' is a command, and em",
        ),
        ("a-ang touch {}/ran |", "is a command, and emolit runs none"),
        ("a-ang -", "'-' is a command"),
        ("a-ang data/raw.ark:1234", "points into an archive of Kaldi"),
        ("a-ang", "wav.scp, row 1: 'path' is empty"),
        (
            "a-ang /elsewhere/a.wav",
            r"row 1: the path '/elsewhere/a\.wav' lies outside .*set `root`",
        ),
        ("a-hap wav/a-hap.wav", r"row 2: 'a-hap' stands in row 1 already"),
    ],
)
def test_a_line_that_is_no_file_is_refused_and_never_run(tmp_path, line, message):
    write_folder(tmp_path, "data", "abc")
    lines = (tmp_path / "data/wav.scp").read_text().splitlines()
    write(tmp_path / "data", wav_scp=[line.format(tmp_path), *lines[1:]])
    with pytest.raises(CorpusError, match=message):
        set_up(tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"utt2emo": ["a-ang ang", "x y"]}, r"utt2emo, row 2: there is no audio of x\. Mend"),
        ({"text": ["x y", "z z"]}, r"text, row 1: there is no audio of x, z\. Mend it"),
        ({"utt2emo": ["a-ang ang"]}, r"wav\.scp, row 2: there is neither 'label'"),
        ({"segments": ["u gone 0 1"], "utt2emo": ["u ang"], "utt2spk": ["u a"], "text": ["u x"]},
         r"segments, row 1: the recording 'gone' is not in wav\.scp"),
        ({"segments": ["u a-ang 0"], "utt2emo": ["u ang"], "utt2spk": ["u a"], "text": ["u x"]},
         r"segments, row 1: 3 words, where a segment has 4"),
        ({"utt2label": ["a-ang ang"]}, r"has 2 files of labels \['utt2emo', 'utt2label'\]"),
        ({"utt2emo": ["a-ang mad", "a-hap odd"]}, r"label 'mad' is unknown, and so are 'odd'"),
        ({"utt2spk": []}, r"utt2spk is empty"),
    ],
)  # fmt: skip
def test_files_that_do_not_go_together_are_a_sentence(tmp_path, files, message):
    write_folder(tmp_path, "data", "abc")
    write(tmp_path / "data", **files)
    with pytest.raises(CorpusError, match=message):
        set_up(tmp_path)


def test_the_file_of_labels_may_have_any_name(tmp_path):
    write_folder(tmp_path, "data", "abc", labels="utt2category")
    with pytest.raises(CorpusError, match=r"has 0 files of labels.*'utt2category'.*`label_file`"):
        set_up(tmp_path)
    assert len(served(set_up(tmp_path, label_file="utt2category"))) == 6


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(CorpusError, match=r"no data folder of Kaldi: looked for .*/data/wav\.scp"):
        set_up(tmp_path)
