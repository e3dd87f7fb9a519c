import json
import shutil
from collections import Counter

import pytest

from emolit.corpora.meld import FOLDERS, MAIN, Meld
from emolit.data.dataset import LoaderSettings
from emolit.errors import AudioError, ConfigError, CorpusError
from tests.fakes.meld import rows, write_meld, write_part
from tests.fakes.video import write_video

pytestmark = pytest.mark.filterwarnings("ignore:'meld' in .* has .* clips, the release has 13708")
OFFICIAL = {"splits": "official", "speaker_independent": False}


def set_up(root, **settings):
    corpus = Meld(root=str(root), **settings)
    corpus.prepare_data()
    corpus.setup()
    return corpus


@pytest.fixture
def release(tmp_path):
    return write_meld(tmp_path / "meld")


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("video") / "clip.mp4").read_bytes()


def test_rows_become_labels_speakers_and_transcripts(release):
    clips = {clip.id: clip for clip in Meld().read(release)}
    assert len(clips) == 21
    clip = clips["dev_dia0_utt1"]
    assert (clip.label, clip.speaker, clip.split) == ("happy", "Joey", "val")
    assert clip.path == "dev_splits_complete/dia0_utt1.wav"
    assert clip.transcript.startswith("also I was the point person on my company\u2019s transition")
    assert (clip.dialog, clip.turn) == (clip.id.partition("_utt")[0], float(clip.id[-1]))


def test_a_dialog_is_one_of_its_table_and_turns_see_those_before(release, tmp_path):
    clips = set_up(tmp_path, **OFFICIAL).clips("val")
    heard = {clip.turn: [who for who, _ in clip.earlier] for clip in clips}
    order = [clip.speaker for clip in sorted(clips, key=lambda clip: clip.turn)]
    assert heard == {float(turn): order[:turn] for turn in range(7)}


def test_official_splits_share_speakers_and_must_be_asked_for(release, tmp_path):
    with pytest.raises(CorpusError, match=r"not speaker-independent: Chandler in test and train"):
        set_up(tmp_path, splits="official")
    corpus = set_up(tmp_path, **OFFICIAL)
    assert corpus.censuses[0].counts == {"train": 7, "val": 7, "test": 7}
    assert not corpus.censuses[0].speaker_independent


@pytest.mark.parametrize("fold", range(1, 7))
def test_by_default_a_main_character_is_tested_who_was_never_heard(release, tmp_path, fold):
    corpus = set_up(tmp_path, fold=fold)
    who = {
        split: {clip.speaker for clip in corpus.clips(split)} for split in ("train", "val", "test")
    }
    assert who["test"] == {MAIN[fold - 1]}
    assert who["val"] == {MAIN[fold % 6]}
    assert who["train"] == {*MAIN, "The Interviewer"} - who["test"] - who["val"]
    assert corpus.censuses[0].counts == {"train": 15, "val": 3, "test": 3}


@pytest.mark.parametrize("name", ["Phoebe and Rachel", "All", "Both"])
def test_several_voices_at_once_are_in_no_split_and_counted(release, tmp_path, name):
    listed = rows()
    listed[6][2] = name
    write_part(release, "train", listed)
    corpus = set_up(tmp_path)
    assert corpus.censuses[0].outside == 1
    assert corpus.censuses[0].counts["train"] == 14
    assert set_up(tmp_path, **OFFICIAL).censuses[0].counts["train"] == 7


@pytest.mark.parametrize(
    ("name", "voice"), [("Phoebe/Waitress", "Phoebe"), ("Ursula", "Phoebe"), ("Ursa", "Ursa")]
)
def test_other_roles_of_a_main_character_are_the_same_speaker(release, name, voice):
    listed = rows()
    listed[0][2] = name
    write_part(release, "test", listed)
    clips = {clip.id: clip for clip in Meld().read(release)}
    assert clips["test_dia0_utt0"].speaker == voice


def test_audio_comes_out_of_mp4(tmp_path, video):
    write_meld(tmp_path / "meld", video)
    corpus = set_up(tmp_path)
    clip = corpus.clips("test")[0]
    assert clip.path.endswith(".mp4") and clip.video == clip.path
    assert clip.seconds == pytest.approx(0.25, abs=0.05)


def test_extracted_audio_is_taken_before_the_video(release):
    (release / "test_splits").mkdir()
    (release / "output_repeated_splits_test" / "dia0_utt0.mp4").write_bytes(b"video")
    clips = {clip.id: clip.path for clip in Meld().read(release)}
    assert clips["test_dia0_utt0"] == "output_repeated_splits_test/dia0_utt0.wav"


def test_exact_names_are_taken_and_no_others(release, tmp_path):
    place = release / "output_repeated_splits_test"
    for name in ("final_videos_testdia0_utt0.wav", "._dia0_utt0.wav", "dia0_utt0_copy.wav"):
        (place / name).write_bytes(b"something else")
    (place / "dia0_utt0.wav").unlink()
    with pytest.raises(AudioError, match=r"1 of 21 clips .*/dia0_utt0\.mp4 is missing"):
        set_up(tmp_path)


def test_a_listed_clip_that_is_absent_or_broken_is_counted_and_named(release, tmp_path, caplog):
    (release / "train_splits" / "dia0_utt0.wav").unlink()
    (release / "train_splits" / "dia0_utt1.wav").write_bytes(b"broken")
    with caplog.at_level("INFO", logger="lightning.pytorch"):
        corpus = set_up(tmp_path, fold=5, loading=LoaderSettings(on_bad_audio="skip"))
    assert len(corpus.censuses[0].skipped) == 2
    assert "2 clips skipped" in caplog.text
    assert "train_splits/dia0_utt0.mp4 is missing" in caplog.text


def test_the_two_clips_that_no_copy_has_do_not_stop_a_run_and_are_counted(release, tmp_path):
    listed = [*rows(), [8, "", "Ross", "neutral", "neutral", 125, 3, 8, 21, "", ""]]
    write_part(release, "train", listed)
    (release / "train_splits" / "dia125_utt3.wav").unlink()
    corpus = set_up(tmp_path)
    (problem,) = corpus.censuses[0].skipped
    assert "train_splits/dia125_utt3.mp4 is missing" in problem
    assert corpus.censuses[0].counts == {"train": 15, "val": 3, "test": 3}


def test_folders_may_stand_deeper(tmp_path):
    release = write_meld(tmp_path / "meld")
    (release / "train").mkdir()
    (release / "train_splits").rename(release / "train" / "train_splits")
    (release / "data").mkdir()
    (release / "dev_sent_emo.csv").rename(release / "data" / "dev_sent_emo.csv")
    paths = [clip.path for clip in Meld().read(release)]
    assert paths[0] == "train/train_splits/dia0_utt0.wav"
    assert paths[7] == "dev_splits_complete/dia0_utt0.wav"


@pytest.mark.parametrize("name", ["test_sent_emo.csv", "train_splits", "dev_splits_complete"])
def test_a_missing_table_or_renamed_folder_is_named(release, tmp_path, name):
    (release / name).rename(release / f"my_{name}")
    with pytest.raises(CorpusError, match=rf"MELD in .* looked for {name} at any depth\. Unpack"):
        set_up(tmp_path)


def test_a_quoted_newline_stays_inside_its_row(release):
    listed = rows()
    listed[0][1] = 'He said "no,\r\nnever",\nand left.'
    write_part(release, "train", listed)
    clips = list(Meld().read(release))
    assert len(clips) == 21
    assert clips[0].transcript == 'He said "no, never", and left.'


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        (3, "boredom", "row 3: the emotion 'boredom' is none of anger, joy"),
        (3, "", "row 3: 'Emotion' is empty"),
        (5, "1.0", "row 3: 'dia1.0_utt1' is no name like dia0_utt0"),
    ],
)
def test_a_wrong_row_is_named(release, tmp_path, column, value, words):
    listed = rows()
    listed[1][column] = value
    write_part(release, "dev", listed)
    with pytest.raises(CorpusError, match=rf"dev_sent_emo\.csv, {words}"):
        set_up(tmp_path)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"fold": 7},
            r"`fold` of Meld is 7; choose one of .* 6\] under `splits: speakers`",
        ),
        ({"splits": "official", "fold": 2}, r"choose one of \[1\] under `splits: official`"),
        ({"splits": "emobox"}, r"`splits` of Meld is 'emobox'; choose one of \['speakers'"),
    ],
)
def test_unknown_settings_are_refused(settings, words):
    with pytest.raises(ConfigError, match=words):
        Meld(**settings)


def test_wrong_time_stamps_are_cut_and_very_short_clips_kept(release, tmp_path):
    corpus = set_up(tmp_path, loading=LoaderSettings(max_seconds=0.04))
    assert corpus.censuses[0].cropped == 21
    assert sum(corpus.censuses[0].counts.values()) == 21


@pytest.fixture(scope="module")
def real(shared, tmp_path_factory):
    """The real tables beside empty folders."""
    folder = tmp_path_factory.mktemp("real") / "meld"
    folder.mkdir()
    for split, place in FOLDERS.items():
        (folder / place).mkdir()
        shutil.copy(shared / "annotations" / "meld" / f"{split}_sent_emo.csv", folder)
    return folder


def test_official_clips_and_labels_are_those_of_emobox(shared, real):
    clips = Meld(**OFFICIAL).partition(list(Meld().read(real)))
    assert len(clips) == Meld.size
    assert Counter(clip.label for clip in clips) == Meld.expected
    served = [clip for clip in clips if clip.id not in Meld.broken]
    lists = shared / "annotations" / "emobox" / "meld"
    names = json.loads((lists / "label_map.json").read_text())
    for part, split in (("valid", "val"), ("test", "test")):
        lines = (lists / "fold_1" / f"meld_{part}_fold_1.jsonl").read_text().splitlines()
        listed = [json.loads(line) for line in lines]
        theirs = {row["wav"].removeprefix("downloads/meld/"): row["emo"] for row in listed}
        ours = {clip.path: clip.label for clip in served if clip.split == split}
        assert ours == {path: names[emo].lower() for path, emo in theirs.items()}
    summary = json.loads((shared / "reference" / "emobox_folds_summary.json").read_text())
    train = summary["meld"]["folds"]["1"]["train"]["mapped"]
    counts = Counter(clip.label for clip in served if clip.split == "train")
    assert {label.capitalize(): count for label, count in counts.items()} == train


def test_what_is_said_about_shared_speakers_holds(real):
    clips = list(Meld().read(real))
    assert round(100 * sum(clip.speaker in MAIN for clip in clips) / len(clips)) == 83
    heard = {clip.speaker for clip in clips if clip.split == "train"}
    tested = [clip.speaker for clip in clips if clip.split == "test"]
    assert round(100 * sum(speaker in heard for speaker in tested) / len(tested)) == 96
    none = [clip for clip in Meld().partition(clips) if clip.split is None]
    assert len(none) == 69
