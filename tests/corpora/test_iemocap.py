import json
import shutil
from collections import Counter

import pytest

from emolit.corpora.iemocap import EMOTIONS, Iemocap
from emolit.errors import AudioError, ConfigError, CorpusError
from emolit.types import Rating
from tests.fakes.iemocap import turns, write_iemocap

pytestmark = pytest.mark.filterwarnings("ignore:'iemocap' in .* has .* clips, the release has")


def set_up(root, **settings):
    corpus = Iemocap(root=str(root), **settings)
    corpus.prepare_data()
    corpus.setup()
    return corpus


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    write_iemocap(root / "iemocap" / "IEMOCAP_full_release")
    return root


@pytest.fixture
def release(tmp_path):
    return write_iemocap(tmp_path / "iemocap")


def counted(corpus, split):
    return Counter(clip.label for clip in corpus.clips(split))


def test_turns_become_labels_speakers_and_transcripts(root):
    clips = {clip.id: clip for clip in Iemocap().read(root / "iemocap")}
    assert set(clips) == set(turns())
    clip = clips["Ses05M_script03_1_F001"]
    assert (clip.label, clip.speaker) == ("angry", "5F")
    assert clip.transcript == "You knew there was nothing."
    assert (clip.dialog, clip.turn) == ("Ses05M_script03_1", 140.225)
    assert clip.attributes == {
        "valence": Rating(1.5, 1, 5), "arousal": Rating(4, 1, 5), "dominance": Rating(4.5, 1, 5)
    }  # fmt: skip
    assert clip.path == (
        "IEMOCAP_full_release/Session5/sentences/wav/Ses05M_script03_1/Ses05M_script03_1_F001.wav"
    )


def test_the_speaker_is_who_speaks_and_not_who_wore_the_markers(root):
    speakers = Counter(clip.speaker for clip in Iemocap().read(root / "iemocap"))
    assert speakers == {f"{session}{letter}": 14 for session in range(1, 6) for letter in "FM"}


def test_four_classes_have_excited_in_happy_and_the_rest_dropped_and_counted(root):
    corpus = set_up(root)
    assert corpus.taxonomy.labels == ("angry", "happy", "neutral", "sad")
    assert counted(corpus, "test") == {"angry": 4, "happy": 8, "neutral": 4, "sad": 4}
    assert corpus.censuses[0].dropped == {"frustrated": 20, "no agreement": 20}


def test_six_classes_keep_excited_and_frustrated(root):
    corpus = set_up(root, classes=6)
    assert counted(corpus, "test") == dict.fromkeys(
        ["angry", "happy", "neutral", "sad", "excited", "frustrated"], 4
    )
    assert corpus.censuses[0].dropped == {"no agreement": 20}


def test_any_label_set_can_be_named(root):
    corpus = set_up(root, classes=6, labels=["sad", "upset"], label_map={"frustrated": "upset"})
    assert counted(corpus, "test") == {"sad": 4, "upset": 4}


@pytest.mark.parametrize("fold", range(1, 6))
def test_a_fold_tests_a_session_and_validates_on_the_next(root, fold):
    corpus = set_up(root, fold=fold)
    assert {clip.speaker for clip in corpus.clips("test")} == {f"{fold}F", f"{fold}M"}
    following = fold % 5 + 1
    assert {clip.speaker for clip in corpus.clips("val")} == {f"{following}F", f"{following}M"}
    assert corpus.censuses[0].counts == {"train": 60, "val": 20, "test": 20}


@pytest.mark.parametrize(("scenes", "kind"), [("improvised", "impro"), ("scripted", "script")])
def test_scenes_of_one_kind_are_served_and_the_others_counted(root, scenes, kind):
    corpus = set_up(root, scenes=scenes)
    assert corpus.censuses[0].counts == {"train": 30, "val": 10, "test": 10}
    assert all(f"_{kind}" in clip.id for clip in corpus.clips("train"))
    assert corpus.censuses[0].outside == 50


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"fold": 6}, r"`fold` of Iemocap is 6; choose one of \[1, 2, 3, 4, 5\]"),
        ({"classes": 5}, r"`classes` of Iemocap is 5; choose one of \[4, 6\]"),
        ({"scenes": "impro"}, r"`scenes` of Iemocap is 'impro'; .*'improvised'"),
    ],
)
def test_unknown_settings_are_refused(settings, words):
    with pytest.raises(ConfigError, match=words):
        Iemocap(**settings)


def test_a_missing_session_is_named(release, tmp_path):
    shutil.rmtree(release / "Session3")
    with pytest.raises(CorpusError, match=r"4 of 5 sessions: looked for .*Session3\. Unpack"):
        set_up(tmp_path)


@pytest.mark.parametrize("kind", ["EmoEvaluation", "transcriptions"])
def test_a_renamed_folder_is_named(release, tmp_path, kind):
    (release / "Session2" / "dialog" / kind).rename(release / "Session2" / "dialog" / "texts")
    with pytest.raises(CorpusError, match=rf"looked for .*Session2/dialog/{kind}/Ses\*\.txt"):
        set_up(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "[1.0 - 2.0]\tSes01F_impro01_F000\tjoy\t[1.5000, 4.0000, 4.5000]",
        "[1.0 - 2.0]\tSes09F_impro01_F000\tneu\t[1.5000, 4.0000, 4.5000]",
        "[1.0 - 2.0] Ses01F_impro01_F000 neu [1.5000, 4.0000, 4.5000]",
    ],
)
def test_a_line_that_is_none_is_named(release, tmp_path, line):
    file = release / "Session1" / "dialog" / "EmoEvaluation" / "Ses01F_impro01.txt"
    file.write_text(f"% header\n\n{line}\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"Ses01F_impro01\.txt, line 3: .* is not a time.*again"):
        set_up(tmp_path)


def test_a_text_that_is_not_utf8_is_named(release, tmp_path):
    file = release / "Session1" / "dialog" / "transcriptions" / "Ses01F_impro01.txt"
    file.write_bytes(b"Ses01F_impro01_F000 [1.0-2.0]: na\xefve\n")
    with pytest.raises(CorpusError, match=r"Ses01F_impro01\.txt is not UTF-8 at byte 33"):
        set_up(tmp_path)


def test_a_turn_without_audio_is_reported_and_never_just_missing(release, tmp_path):
    name = "Ses04F_impro01/Ses04F_impro01_M000.wav"
    (release / "Session4" / "sentences" / "wav" / name).unlink()
    with pytest.raises(AudioError, match=rf"1 of 100 clips of 'iemocap'.*{name} is missing"):
        set_up(tmp_path)


def test_stage_marks_are_cut_out_of_transcripts(release):
    file = release / "Session1" / "dialog" / "transcriptions" / "Ses01F_impro01.txt"
    file.write_text(
        "Ses01F_impro01_F000 [241.6700-243.4048]: [LAUGHTER] You knew [BREATHING] nothing.\n"
        "Ses01F_impro01_F001 [243.4048-244.0]: [LAUGHTER]\n",
        encoding="utf-8",
    )
    words = {clip.id: clip.transcript for clip in Iemocap().read(release)}
    assert words["Ses01F_impro01_F000"] == "You knew nothing."
    assert words["Ses01F_impro01_F001"] is None


@pytest.mark.parametrize("between", ["\u0085", "\u2028", "\x0b", "\x1c"])
def test_only_the_end_of_a_line_ends_a_transcript(release, between):
    file = release / "Session1" / "dialog" / "transcriptions" / "Ses01F_impro01.txt"
    line = f"Ses01F_impro01_F000 [241.6700-243.4048]: You knew{between}nothing.\r\n"
    file.write_bytes(line.encode())
    words = {clip.id: clip.transcript for clip in Iemocap().read(release)}
    assert words["Ses01F_impro01_F000"] == "You knew nothing."


def listed(shared):
    """Return EmoBox's test lists: fold to turn to raw label."""
    lists = shared / "annotations" / "emobox" / "iemocap"
    found = {}
    for fold in range(1, 6):
        lines = (lists / f"fold_{fold}" / f"iemocap_test_fold_{fold}.jsonl").read_text()
        rows = [json.loads(line) for line in lines.splitlines()]
        found[fold] = {row["key"].removeprefix("iemocap-"): row["emo"] for row in rows}
    return found


@pytest.mark.parametrize("fold", range(1, 6))
def test_clips_and_labels_of_a_fold_are_those_of_emobox_and_s3prl(shared, tmp_path, fold):
    lists = listed(shared)
    raw = {turn: emo for one in lists.values() for turn, emo in one.items()}
    assert len(raw) == 5531
    corpus = Iemocap(root=str(tmp_path), fold=fold)
    parted = corpus.partition(list(corpus.read(write_iemocap(tmp_path, raw, sound=False))))
    tested = {clip.id: clip.label for clip in parted if clip.split == "test"}
    assert tested == {turn: EMOTIONS[emo] for turn, emo in lists[fold].items()}
    rest = {clip.id for clip in parted if clip.split in ("train", "val")}
    assert rest == set(raw).difference(tested)
    file = shared / "annotations" / "iemocap_folds" / f"Session{fold}" / "test_meta_data.json"
    rows = json.loads(file.read_text())["meta_data"]
    merged = {turn: corpus.label_map.get(label, label) for turn, label in tested.items()}
    theirs = {row["path"].split("/")[-1][:-4]: EMOTIONS[row["label"]] for row in rows}
    assert merged == theirs


def test_the_audio_stands_where_the_real_lists_have_it(shared, tmp_path):
    lists = shared / "annotations" / "emobox" / "iemocap" / "fold_5"
    rows = [json.loads(line) for line in next(lists.glob("*.jsonl")).read_text().splitlines()]
    labels = {turn: emo for one in listed(shared).values() for turn, emo in one.items()}
    clips = {
        clip.id: clip.path for clip in Iemocap().read(write_iemocap(tmp_path, labels, sound=False))
    }
    for row in rows:
        assert clips[row["key"].removeprefix("iemocap-")] == row["wav"].split("/", 2)[2]
