import json
from collections import Counter
from itertools import combinations

import pytest

from emolit.affect.wheel_score import WheelScore
from emolit.corpora.emo_gator import CATEGORIES, EmoGator
from emolit.errors import ConfigError, CorpusError
from emolit.prompts.direct import Direct
from tests.fakes.emo_gator import write_emo_gator
from tests.fakes.listing import write_tone
from tests.figures import CONSTANTS

pytestmark = pytest.mark.filterwarnings("ignore:'emogator' in .* clips, the release has 32130")


def set_up(root, **settings):
    corpus = EmoGator(root=str(root), **settings)
    corpus.prepare_data()
    corpus.setup()
    return corpus


def test_a_name_is_a_word_a_label_and_a_contributor(tmp_path):
    folder = write_emo_gator(tmp_path, [46], [3, 23, 27])
    clips = [(c.id, c.label, c.words, c.speaker) for c in EmoGator().read(folder)]
    assert clips == [
        ("000046-03-1", "angry", ("anger",), "000046"),
        ("000046-23-1", "romantic love", ("romantic love",), "000046"),
        ("000046-27-1", "surprise (negative)", ("surprise (negative)",), "000046"),
    ]


def test_names_with_brackets_are_asked_for_and_read_back():
    prompt, options = Direct(), EmoGator.labels
    for label in options:
        assert prompt.parse(f"<answer>{label.title()}</answer>", options) == label
    assert prompt.parse("<answer>surprise</answer>", options) is None


@pytest.mark.parametrize("fold", range(1, 6))
def test_contributors_are_tested_who_were_never_heard(tmp_path, fold):
    write_emo_gator(tmp_path, categories=[1])
    corpus = set_up(tmp_path, fold=fold)
    assert corpus.censuses[0].counts == {"train": 7, "val": 1, "test": 2}
    assert {int(clip.speaker) % 5 for clip in corpus.clips("test")} == {fold % 5}
    assert corpus.censuses[0].speaker_independent


def test_every_contributor_is_tested_once_and_a_tenth_is_for_validation(tmp_path):
    folder = write_emo_gator(tmp_path, range(1, 358), [1])
    clips = list(EmoGator().read(folder))
    parts = [EmoGator(fold=fold).partition(clips) for fold in range(1, 6)]
    tested = Counter(clip.id for part in parts for clip in part if clip.split == "test")
    assert tested == dict.fromkeys((clip.id for clip in clips), 1)
    assert {sum(clip.split == "val" for clip in part) for part in parts} <= {35, 36}


def test_labels_outside_the_set_are_counted(tmp_path):
    write_emo_gator(tmp_path)
    corpus = set_up(tmp_path, labels=["angry", "sad", "love"], label_map={"romantic love": "love"})
    census = corpus.censuses[0]
    assert sum(census.counts.values()) == 30 and sum(census.dropped.values()) == 270
    love = [clip for clip in corpus.clips("train") if clip.label == "love"]
    assert {clip.words for clip in love} == {("romantic love",)}


@pytest.mark.parametrize("name", ["000001-31-1", "000001-00-1", "1-01-1", "000001-01-4"])
def test_other_names_are_refused(tmp_path, name):
    folder = write_emo_gator(tmp_path, [1], [1])
    write_tone(folder / "data" / "mp3" / f"{name}.wav")
    with pytest.raises(CorpusError, match=rf"{name}\.wav is no clip of EmoGator"):
        set_up(tmp_path)


def test_a_missing_release_and_an_unknown_fold_are_refused(tmp_path):
    (tmp_path / "emogator").mkdir()
    with pytest.raises(CorpusError, match=r"looked for .*/data/mp3/000001-01-1\.mp3"):
        set_up(tmp_path)
    with pytest.raises(ConfigError, match=r"`fold` of EmoGator is 6; choose one of \[1, 2, "):
        EmoGator(fold=6)


def test_real_clips_are_read_and_decoded(shared):
    """16 contributors with 90 clips each, original mp3 of several rates and channels."""
    corpus = set_up(shared / "corpora", prompt=Direct())
    census = corpus.censuses[0]
    assert census.counts == {"train": 900, "val": 180, "test": 360}
    assert (census.skipped, census.speaker_independent) == ((), True)
    clips = [clip for split in ("train", "val", "test") for clip in corpus.clips(split)]
    assert Counter(clip.words for clip in clips) == {(name,): 48 for name in CATEGORIES}
    assert round(sum(clip.seconds for clip in clips) / 3600, 2) == 0.70
    batch = next(iter(corpus.test_dataloader()))
    assert all(len(waveform) > 1000 for waveform in batch.waveforms)
    names = json.loads((shared / "corpora/emogator/data/category_names.json").read_text())
    assert tuple(name.lower() for name in names) == CATEGORIES


@pytest.mark.parametrize("words", CONSTANTS.values(), ids=CONSTANTS)
def test_no_constant_answer_earns_more_than_those_of_the_docs(words):
    """What to beat: so many words for every clip, each category as frequent."""
    score = WheelScore(unknown="wrong")
    known = [(name,) for name in CATEGORIES if score((name,), (name,)) is not None]
    assert len(known) == 26

    def earned(words):
        return sum(score(words, gold) for gold in known) / len(known)

    assert earned(words) == max(map(earned, combinations(CATEGORIES, len(words))))
