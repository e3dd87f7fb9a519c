import json
import shutil
from collections import Counter

import pytest
import soundfile

from emolit.corpora.tess import Tess
from emolit.errors import ConfigError, CorpusError
from tests.fakes.emobox import row, write_list, write_map
from tests.fakes.tess import stems, write_tess

INCOMPLETE = "ignore:'tess' in .* has .* clips, the release has 2800"


def set_up(root, **settings):
    corpus = Tess(root=str(root), **settings)
    corpus.prepare_data()
    corpus.setup()
    return corpus


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    root = tmp_path_factory.mktemp("release")
    return list(Tess().read(write_tess(root)))


def test_names_become_labels_speakers_and_transcripts(clips):
    by_id = {clip.id: clip for clip in clips}
    clip = by_id["YAF_back_ps"]
    assert clip.path == "YAF_pleasant_surprised/YAF_back_ps.wav"
    assert (clip.label, clip.speaker, clip.transcript) == (
        "surprise", "YAF", "Say the word back.",
    )  # fmt: skip


def test_a_name_that_starts_oa_is_the_older_actresss(clips):
    (clip,) = [clip for clip in clips if "OA_" in clip.path]
    assert (clip.id, clip.speaker) == ("OAF_bite_neutral", "OAF")


def test_the_release_has_as_many_clips_by_label_as_the_class_says(clips):
    assert Counter(clip.label for clip in clips) == Tess.expected
    assert sum(Tess.expected.values()) == Tess.size


@pytest.mark.filterwarnings(INCOMPLETE)
def test_one_actress_trains_and_the_other_is_tested_at_any_sampling_rate(tmp_path):
    folder = write_tess(tmp_path, stems(("back", "food")))
    assert soundfile.info(folder / "OAF_fear" / "OAF_food_fear.wav").samplerate == 96_000
    for fold, tested in ((1, "OAF"), (2, "YAF")):
        corpus = set_up(tmp_path, fold=fold)
        assert {clip.speaker for clip in corpus.clips("test")} == {tested}
        assert corpus.censuses[0].counts == {"train": 14, "val": 0, "test": 14}
        assert "no validation part" in str(corpus.censuses[0])


def test_a_fold_that_does_not_exist_is_refused():
    for settings in ({"fold": 3}, {"fold": 2, "splits": "emobox"}):
        with pytest.raises(ConfigError, match="`fold` of Tess is"):
            Tess(**settings)
    with pytest.raises(ConfigError, match="`splits` of Tess is 'official'; choose one of"):
        Tess(splits="official")


@pytest.mark.filterwarnings(INCOMPLETE)
def test_a_tree_that_stands_twice_is_refused_with_the_paths(tmp_path):
    folder = write_tess(tmp_path, stems(("back",)))
    shutil.copytree(folder, tmp_path / "copy")
    shutil.move(tmp_path / "copy", folder / "TESS Toronto emotional speech set data")
    with pytest.raises(CorpusError, match=r"an id: .*OAF_back_angry \(OAF_angry/.*, TESS Tor"):
        set_up(tmp_path)


def test_a_folder_without_clips_is_refused_with_what_was_looked_for(tmp_path):
    (tmp_path / "tess").mkdir()
    with pytest.raises(CorpusError, match=r"No clip of TESS in .*/tess: looked for OAF_back_angry"):
        set_up(tmp_path)


@pytest.mark.filterwarnings(INCOMPLETE)
def test_emoboxs_list_mixes_both_actresses_and_leaves_no_validation(tmp_path):
    names = list(stems(("back", "food")))
    write_tess(tmp_path, names)
    rows = [row("tess", n.replace("_", "-"), f"{n}.wav", n.split("_")[2]) for n in names]
    kinds = ("angry", "disgust", "fear", "happy", "neutral", "ps", "sad")
    write_map(tmp_path / "emobox", "tess", {kind: kind.title() for kind in kinds})
    write_list(tmp_path / "emobox", "tess", "train", 1, rows[1:])
    write_list(tmp_path / "emobox", "tess", "test", 1, rows[:1])
    corpus = set_up(tmp_path, splits="emobox", speaker_independent=False)
    assert corpus.censuses[0].counts == {"train": 27, "val": 0, "test": 1}
    assert "no validation part: EmoBox has none" in str(corpus.censuses[0])


def test_names_and_labels_and_split_are_those_of_emobox(shared, tmp_path):
    lists = shared / "annotations" / "emobox"
    names = json.loads((lists / "tess" / "label_map.json").read_text())
    parts = {}
    for part in ("train", "test"):
        text = (lists / "tess" / "fold_1" / f"tess_{part}_fold_1.jsonl").read_text()
        parts[part] = {
            row["wav"].split("/")[-1].removesuffix(".wav"): names[row["emo"]].lower()
            for row in map(json.loads, text.splitlines())
        }
    folder = write_tess(tmp_path, parts["train"] | parts["test"])
    corpus = Tess(splits="emobox", lists=str(lists), root=str(tmp_path))
    clips = corpus.partition(list(corpus.read(folder)))
    for part in ("train", "test"):
        assert {clip.id: clip.label for clip in clips if clip.split == part} == parts[part]
    assert Counter(clip.label for clip in clips) == Tess.expected


def test_a_linked_folder_is_looked_into(tmp_path):
    folder = write_tess(tmp_path, stems(("back",)))
    names = {clip.id for clip in Tess().read(folder)}
    (folder / "OAF_angry").rename(tmp_path / "angry")
    (folder / "OAF_angry").symlink_to(tmp_path / "angry")
    (folder / "all").symlink_to(folder)
    (folder / "copy").symlink_to(folder / "YAF_sad")
    clips = list(Tess().read(folder))
    assert {clip.id for clip in clips} == names
    assert len(clips) == len(names) == 14
