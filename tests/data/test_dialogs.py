"""What was said before a clip: words alone, in order, and nothing of what comes later."""

from random import Random

import pytest

from emolit.corpora.manifest import Manifest
from emolit.data.audio_check import AudioRecord
from emolit.data.dialogs import remember_earlier
from emolit.errors import CorpusError
from emolit.prompts.variation import MOST_TURNS
from emolit.types import Clip
from tests.fakes.listing import write_listing


def entry(name, dialog, turn, words, who="ann", label="sad"):
    clip = Clip(name, "toy", f"{name}.wav", label, who, transcript=words, dialog=dialog, turn=turn)
    return AudioRecord(clip)


def earlier(entries):
    return {each.clip.id: each.clip.earlier for each in remember_earlier(entries)}


def test_turns_stand_in_their_order_whatever_the_order_of_the_clips():
    told = [
        entry("a", "d1", 1.0, "One.", "ann"), entry("b", "d1", 2.5, "Two.", "ben"),
        entry("c", "d1", 10.0, "Three.", "ann"), entry("x", "d2", 0.0, "Other.", "eve"),
        entry("y", None, None, "Alone."),
    ]  # fmt: skip
    expected = {
        "a": (), "b": (("ann", "One."),), "c": (("ann", "One."), ("ben", "Two.")), "x": (), "y": (),
    }  # fmt: skip
    assert earlier(told) == expected
    for seed in range(5):
        mixed = Random(seed).sample(told, len(told))
        assert earlier(mixed) == expected
        assert [each.clip.id for each in remember_earlier(mixed)] == [e.clip.id for e in mixed]


def test_nothing_of_a_later_turn_or_of_a_label_is_seen():
    told = [entry(str(i), "d", float(i), f"word{i}", label=f"label{i}") for i in range(8)]
    for name, turns in earlier(told).items():
        assert [words for _, words in turns] == [f"word{i}" for i in range(int(name))]
    later = [entry("7", "d", 7.0, "changed", label="other")]
    before = {name: told for name, told in earlier(told).items() if name != "7"}
    assert {n: t for n, t in earlier([*told[:7], *later]).items() if n != "7"} == before


def test_turns_of_one_place_do_not_see_each_other_and_wordless_ones_are_left_out():
    told = [entry("a", "d", 1, "One."), entry("b", "d", 1, "Same."), entry("c", "d", 2, None),
            entry("e", "d", 3, "Last.")]  # fmt: skip
    found = earlier(told)
    assert found["a"] == found["b"] == ()
    assert [words for _, words in found["e"]] == ["One.", "Same."]


def test_no_more_are_kept_than_can_be_asked_for():
    found = earlier([entry(str(i), "d", float(i), str(i)) for i in range(MOST_TURNS + 10)])
    assert [words for _, words in found[str(MOST_TURNS + 9)]] == [
        str(i) for i in range(9, MOST_TURNS + 9)
    ]


def table(tmp_path, **changes):
    rows = [
        {"path": f"wav/{n}.wav", "label": "sad", "speaker": n, "split": split, "text": words,
         "dialog": "d", "turn": turn}
        for n, split, words, turn in (("a", "train", "One.", "2"), ("b", "val", "Two.", "1"),
                                      ("c", "test", "Three.", "3"))
    ]  # fmt: skip
    rows[2] |= changes
    write_listing(tmp_path, rows, "mine.csv")
    corpus = Manifest("mine.csv", root=str(tmp_path))
    corpus.prepare_data()
    corpus.setup()
    return corpus


def test_a_table_names_dialog_and_turn(tmp_path):
    (clip,) = table(tmp_path).clips("test")
    assert clip.earlier == (("b", "Two."), ("a", "One."))


def test_a_dialog_without_a_place_is_told(tmp_path):
    with pytest.raises(CorpusError, match="row 4: one of 'dialog' and 'turn' is empty"):
        table(tmp_path, turn="")


def test_labels_that_are_left_out_are_still_said(tmp_path):
    """A turn counts whatever its label, since its words are all that is shown."""
    rows = [
        {"path": f"wav/{n}.wav", "label": label, "speaker": n, "split": split, "text": n,
         "dialog": "d", "turn": str(turn)}
        for turn, (n, label, split) in enumerate(
            (("a", "sad", "train"), ("b", "calm", "val"), ("c", "sad", "val"), ("d", "sad", "test"))
        )
    ]  # fmt: skip
    write_listing(tmp_path, rows, "mine.csv")
    corpus = Manifest("mine.csv", root=str(tmp_path), labels=["sad"])
    corpus.prepare_data()
    corpus.setup()
    (clip,) = corpus.clips("test")
    assert [words for _, words in clip.earlier] == ["a", "b", "c"]
