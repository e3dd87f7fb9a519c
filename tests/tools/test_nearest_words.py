"""Gold lists of training clips go on with the names that score best against them on the wheels."""

import pytest

from emolit.corpora.emo_gator import EmoGator
from emolit.corpora.manifest import Manifest
from tests.fakes.emo_gator import write_emo_gator
from tests.fakes.tones import write_tones
from tools import nearest_words

pytestmark = pytest.mark.filterwarnings("ignore:'emogator' in .* clips, the release has 32130")


def taught(score):
    """A score by hand: joy is near to love by 0.8 and to awe by 0.7; sorrow is near to nothing."""
    values = {("awe", "joy"): 0.7, ("love", "joy"): 0.8, ("joy", "love"): 0.8, ("joy", "awe"): 0.7}
    return lambda words, gold: None if gold == ("fear",) else values.get((words[0], gold[0]), score)


def test_the_nearest_names_come_best_first_and_no_further_than_asked():
    names = ("awe", "fear", "joy", "love", "sorrow")

    def near(gold, count, least):
        return nearest_words.nearest((gold,), names, taught(0.1), count, least)

    assert near("joy", 2, 0.6) == ["love", "awe"] and near("joy", 1, 0.6) == ["love"]
    assert near("joy", 4, 0.75) == ["love"] and near("sorrow", 2, 0.6) == []
    assert near("joy", 4, 0.0) == ["love", "awe", "fear", "sorrow"]
    assert near("fear", 2, 0.6) == []


def test_the_table_is_the_corpus_with_longer_lists_in_training_alone(tmp_path, capsys):
    write_emo_gator(tmp_path, range(1, 9), [3, 16, 24, 26])
    whole = EmoGator(root=str(tmp_path))
    whole.setup()
    table = tmp_path / "lists.csv"
    given = ["--data", "EmoGator", "--data.root", str(tmp_path), "--out", str(table)]
    assert nearest_words.main(given) == 0
    lists = capsys.readouterr().out.splitlines()
    read = Manifest("lists.csv", root=str(tmp_path), name="emogator")
    read.setup()
    longer = 0
    for split in ("train", "val", "test"):
        clips = {clip.id: clip for clip in read.clips(split)}
        assert {clip.id for clip in whole.clips(split)} == set(clips)
        for clip in whole.clips(split):
            mine = clips[clip.id]
            assert (read.location / mine.path).samefile(whole.location / clip.path)
            assert mine.speaker == clip.speaker and mine.words[: len(clip.words)] == clip.words
            longer += len(mine.words) - len(clip.words)
            if split == "train":
                assert ", ".join(mine.words) in lists
            else:
                assert mine.words == clip.words
    assert longer > 0


def test_a_corpus_without_words_is_refused(tmp_path, capsys):
    folder = tmp_path / "tones"
    folder.mkdir()
    write_tones(folder, speakers=6)
    given = ["--data", "Manifest", "--data.path", "tones.csv", "--data.root", str(folder)]
    assert nearest_words.main([*given, "--out", str(tmp_path / "lists.csv")]) == 1
    assert "have no gold words" in capsys.readouterr().err
    assert not (tmp_path / "lists.csv").exists()
