import csv
import json
import shutil
from collections import Counter

import pytest

from emolit.corpora.crema_d import EMOTIONS, CremaD, split_of
from emolit.errors import AudioError, ConfigError, CorpusError
from tests.fakes.crema_d import ACTORS, as_acted, stems, write_crema_d, write_emobox, write_votes

pytestmark = pytest.mark.filterwarnings("ignore:'cremad' in .* has .* clips, the release has")


def set_up(root, **settings):
    corpus = CremaD(root=str(root), **settings)
    corpus.prepare_data()
    corpus.setup()
    return corpus


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    (root / "cremad").mkdir()
    write_crema_d(root / "cremad")
    return root


@pytest.fixture
def release(tmp_path):
    """Actors of all parts of fold 1."""
    (tmp_path / "cremad").mkdir()
    return write_crema_d(tmp_path / "cremad", stems([1010, 1011, 1012, 1013]))


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_names_become_labels_speakers_and_transcripts(tmp_path, suffix):
    folder = write_crema_d(tmp_path, ["1001_WSI_FEA_HI", "1002_DFA_SAD_X"], suffix)
    write_votes(folder, {name: as_acted(name) for name in ("1001_WSI_FEA_HI", "1002_DFA_SAD_XX")})
    one, two = CremaD().read(folder)
    assert (one.id, one.label, one.speaker) == ("1001_WSI_FEA_HI", "fear", "1001")
    assert one.transcript == "We'll stop in a couple of minutes."
    assert one.path == f"AudioWAV/1001_WSI_FEA_HI{suffix}"
    assert two.id == "1002_DFA_SAD_XX"


def test_a_clone_of_the_repository_is_found_with_its_videos_left_alone(tmp_path):
    clone = tmp_path / "cremad" / "CREMA-D"
    clone.mkdir(parents=True)
    write_crema_d(clone, stems([1013]))
    (clone / "VideoFlash").mkdir()
    (clone / "VideoFlash" / "1013_DFA_ANG_XX.flv").write_bytes(b"FLV")
    (clone / "AudioWAV" / "._1013_DFA_ANG_XX.wav").write_bytes(b"\x00\x05")
    paths = [clip.path for clip in CremaD().read(tmp_path / "cremad")]
    assert len(paths) == 6
    assert all(path.startswith("CREMA-D/AudioWAV/1013_") for path in paths)


def test_votes_about_the_voice_come_with_each_clip_whatever_the_truth(release, tmp_path):
    for truth in ("intended", "perceived"):
        corpus = set_up(tmp_path, truth=truth)
        votes = {clip.id: clip.votes for clip in corpus.clips("test")}
        assert votes["1010_DFA_SAD_XX"] == {"sad": 8, "neutral": 1}
        assert votes["1010_DFA_NEU_XX"] == {"neutral": 9}


def test_the_perceived_label_is_the_majority_and_ties_are_dropped_and_counted(release, tmp_path):
    votes = {name: as_acted(name) for name in stems([1010, 1011, 1012, 1013])}
    votes["1010_DFA_SAD_XX"] = {"A": 0, "D": 1, "F": 0, "H": 0, "N": 5, "S": 2}
    votes["1010_DFA_ANG_XX"] = {"A": 4, "D": 4, "F": 0, "H": 0, "N": 1, "S": 0}
    set_up(tmp_path)
    write_votes(release, votes)
    corpus = set_up(tmp_path, truth="perceived")
    labels = {clip.id: clip.label for clip in corpus.clips("test")}
    assert labels["1010_DFA_SAD_XX"] == "neutral"
    assert "1010_DFA_ANG_XX" not in labels
    assert corpus.censuses[0].dropped == {"no agreement": 1}
    assert {clip.id: clip.label for clip in set_up(tmp_path).clips("test")} == {
        name: EMOTIONS[name[9:12]] for name in stems([1010, 1011])
    }


def test_a_label_map_holds_for_votes_too(release, tmp_path):
    corpus = set_up(tmp_path, label_map={"sad": "neutral"})
    votes = {clip.id: clip.votes for clip in corpus.clips("test")}
    assert votes["1010_DFA_SAD_XX"] == {"neutral": 9}


def test_votes_come_back_out_of_the_cache(release, tmp_path):
    first, again = set_up(tmp_path), set_up(tmp_path)
    assert again.clips("test") == first.clips("test")
    assert all(sum(clip.votes.values()) == 9 for clip in again.clips("test"))


def test_missing_votes_stop_what_needs_them_and_are_said_otherwise(release, tmp_path, caplog):
    shutil.rmtree(release / "processedResults")
    with pytest.raises(CorpusError, match=r"looked for .*processedResults/tabulatedVotes\.csv"):
        set_up(tmp_path, truth="perceived")
    with caplog.at_level("INFO", logger="lightning.pytorch"):
        assert all(clip.votes == {} for clip in set_up(tmp_path).clips("test"))
    assert "cremad: no votes, as" in caplog.text


def test_a_clip_without_votes_and_votes_that_are_no_counts_are_named(release, tmp_path):
    file = write_votes(release, {name: as_acted(name) for name in stems([1010])})
    with pytest.raises(CorpusError, match=r"1011_DFA_ANG_XX\.wav has no row in tabulatedVotes"):
        set_up(tmp_path)
    file.write_text(file.read_text().replace('"100002",0', '"100002",many'))
    with pytest.raises(CorpusError, match=r"tabulatedVotes\.csv, row 3: the votes .*'many'"):
        set_up(tmp_path)


def test_votes_without_the_voice_are_refused(release, tmp_path):
    file = write_votes(release, {name: as_acted(name) for name in stems([1010])})
    file.write_text(file.read_text().replace('"10', '"40'))
    with pytest.raises(CorpusError, match=r"tabulatedVotes\.csv has no rows of the voice"):
        set_up(tmp_path)


@pytest.mark.parametrize("fold", range(1, 6))
def test_a_fold_tests_actors_who_are_in_no_other_part(root, fold):
    corpus = set_up(root, fold=fold)
    who = {
        split: {clip.speaker for clip in corpus.clips(split)} for split in ("train", "val", "test")
    }
    assert len(who["test"]) in (18, 19)
    assert len(who["val"]) == 9
    assert sum(map(len, who.values())) == 91
    assert corpus.censuses[0].speaker_independent


def test_every_actor_is_tested_once():
    tested = [
        actor for actor in ACTORS for fold in range(1, 6) if split_of(str(actor), fold) == "test"
    ]
    assert tested == list(ACTORS)


def test_emobox_is_served_on_request_and_said_to_share_speakers(release, tmp_path):
    tests = ["1010_DFA_ANG_XX", "1012_DFA_SAD_XX", "1013_DFA_HAP_XX"]
    write_emobox(tmp_path / "emobox", tests)
    with pytest.raises(CorpusError, match=r"not speaker-independent: 1010 in test and train"):
        set_up(tmp_path, splits="emobox")
    corpus = set_up(tmp_path, splits="emobox", speaker_independent=False)
    assert {clip.id for clip in corpus.clips("test")} == set(tests)
    assert {clip.speaker for clip in corpus.clips("val")} == {"1012"}
    assert corpus.censuses[0].counts == {"train": 16, "val": 5, "test": 3}
    assert not corpus.censuses[0].speaker_independent


def test_a_missing_or_foreign_list_of_emobox_is_named(release, tmp_path):
    settings = {"splits": "emobox", "speaker_independent": False}
    with pytest.raises(
        CorpusError, match=r"looked for .*/emobox/cremad/fold_1/cremad_test_fold_1\.jsonl"
    ):
        set_up(tmp_path, **settings)
    write_emobox(tmp_path / "emobox", ["1099_DFA_ANG_XX"])
    with pytest.raises(CorpusError, match=r"lists 1 clips that are not in .*: 1099_DFA_ANG_XX"):
        set_up(tmp_path, **settings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"fold": 6},
            r"`fold` of CremaD is 6; choose one of .* 5\] under `splits: speakers`",
        ),
        ({"fold": 2, "splits": "emobox"}, r"choose one of \[1\] under `splits: emobox`"),
        ({"truth": "voted"}, "`truth` of CremaD is 'voted'; choose one of"),
        ({"splits": "official"}, "`splits` of CremaD is 'official'"),
    ],
)
def test_unknown_settings_are_refused(settings, words):
    with pytest.raises(ConfigError, match=words):
        CremaD(**settings)


def test_renamed_folders_are_named(release, tmp_path):
    (release / "AudioWAV").rename(release / "wav")
    with pytest.raises(CorpusError, match=r"looked for .*/cremad/AudioWAV/1001_\*\.wav"):
        set_up(tmp_path)


def test_a_label_outside_the_map_is_named(release, tmp_path):
    names = ("1010_DFA_ANG_XX.wav", "1010_DFA_SUR_XX.wav")
    (release / "AudioWAV" / names[0]).rename(release / "AudioWAV" / names[1])
    with pytest.raises(CorpusError, match=r"1010_DFA_SUR_XX\.wav is no clip of CREMA-D"):
        set_up(tmp_path)


def test_the_clip_without_audio_is_left_out_and_counted(tmp_path):
    (tmp_path / "cremad").mkdir()
    folder = write_crema_d(tmp_path / "cremad", [*stems([1010, 1011, 1013]), "1076_MTI_SAD_XX"])
    (folder / "AudioWAV" / "1076_MTI_SAD_XX.wav").write_bytes(b"")
    (problem,) = set_up(tmp_path).censuses[0].skipped
    assert "1076_MTI_SAD_XX.wav has length zero" in problem
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    (folder / "AudioWAV" / "1010_DFA_ANG_XX.wav").write_bytes(pointer)
    with pytest.raises(AudioError, match=r"1 of 19 clips .*git-lfs pointer"):
        set_up(tmp_path)


@pytest.fixture(scope="module")
def real(shared, tmp_path_factory):
    """The names of the real release in empty files, with the real votes about the voice."""
    folder = tmp_path_factory.mktemp("real") / "cremad"
    annotations = shared / "annotations" / "cremad"
    (folder / "AudioWAV").mkdir(parents=True)
    with (annotations / "SentenceFilenames.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            (folder / "AudioWAV" / f"{row['Filename']}.wav").touch()
    (folder / "processedResults").mkdir()
    shutil.copy(
        annotations / "processedResults" / "tabulatedVotes_voice.csv",
        folder / "processedResults" / "tabulatedVotes.csv",
    )
    return folder


def test_the_perceived_labels_are_those_of_the_releases_own_summary(shared, real):
    letters = {code[0]: label for code, label in EMOTIONS.items()}
    summary = shared / "annotations" / "cremad" / "processedResults" / "summaryTable.csv"
    with summary.open(newline="") as file:
        voted = {row["FileName"]: row["VoiceVote"] for row in csv.DictReader(file)}
    clips = list(CremaD(truth="perceived").read(real))
    assert len(clips) == 7442
    for clip in clips:
        assert clip.label == letters.get(voted[clip.id], "no agreement")
    acted = {clip.id: clip.label for clip in CremaD().read(real)}
    assert Counter(clip.label for clip in clips)["no agreement"] == 644
    assert sum(clip.label == acted[clip.id] for clip in clips) == 3099


def test_the_emobox_split_is_that_of_its_real_lists(shared, real):
    lists = shared / "annotations" / "emobox" / "cremad"
    names = json.loads((lists / "label_map.json").read_text())
    settings = {"lists": str(lists.parent), "speaker_independent": False}
    corpus = CremaD(root=str(real.parent), splits="emobox", **settings)
    assert corpus.emobox_fold == 1
    parted = corpus.partition(list(corpus.read(real)))
    for part, splits in (("test", {"test"}), ("train", {"train", "val"})):
        lines = (lists / "fold_1" / f"cremad_{part}_fold_1.jsonl").read_text().splitlines()
        rows = [json.loads(line) for line in lines]
        listed = {row["wav"].split("/")[-1][:-4]: names[row["emo"]].lower() for row in rows}
        assert {clip.id: clip.label for clip in parted if clip.split in splits} == listed


@pytest.mark.parametrize("fold", range(1, 6))
def test_every_part_of_a_fold_has_women_and_men(shared, fold):
    with (shared / "annotations" / "cremad" / "VideoDemographics.csv").open(newline="") as file:
        sexes = {row["ActorID"]: row["Sex"] for row in csv.DictReader(file)}
    assert len(sexes) == 91
    counts = Counter((split_of(actor, fold), sex) for actor, sex in sexes.items())
    assert min(counts[split, sex] for split in ("train", "test") for sex in sexes.values()) >= 7
    assert min(counts["val", sex] for sex in sexes.values()) >= 4
