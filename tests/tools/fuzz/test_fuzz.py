"""No text of a stranger breaks a reader or holds it up; the fast part of `python -m tools.fuzz`."""

import re
import time
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from emolit.errors import CorpusError
from tools.fuzz.__main__ import fault, main
from tools.fuzz.readers import READERS
from tools.fuzz.texts import FRAMES, PIECES, drawn, repeated

pytestmark = pytest.mark.filterwarnings("ignore")  # jieba 0.42 is of 2020
SECONDS = 2.0
"""That a reader may compute on 1 MB."""
MEGABYTE = 1_000_000
ENDS = [end for frame in FRAMES for end in frame]
TEXTS = some.lists(some.sampled_from([*PIECES, *ENDS]) | some.characters(), max_size=30)
FOUND = (
    ("fits Direct", "<answer>a", " ", ""),
    ("fits Reasoning", "<think>a", "\u3000", ""),
    ("fits two", "a", " ", "a"),
    ("fits words", "Thought: a Answer:", " Answer:", ""),
    ("split_phrases", "sad", " ", "sad"),
    ("split_phrases", "sad", " and", ""),
    ("Lexicon.find_words denied", "", "not sad ", ""),
    ("Lexicon.find_words denied", "", "不是", ""),
    ("verdict", "", "1 ", ""),
    ("verdict", "", "!", "a"),
    ("EmotionTalk marks", "", "[", ""),
    ("EmotionTalk leaves", "", "_", ""),
    ("zh-jieba", "", "悲", ""),
    ("csv header", "path,label", ",a", ""),
    ("Taxonomy", "", "angry sad", ""),
    ("rouge_l", "", "a low", ""),
)
"""Readers that took quadratic time, and what they were given."""


@pytest.mark.parametrize(("name", "before", "piece", "behind"), FOUND)
def test_a_megabyte_is_read_in_seconds(name, before, piece, behind):
    fault(READERS[name], "sad", 10 * SECONDS)  # what is loaded once
    text = before + piece * (MEGABYTE // len(piece.encode())) + behind
    assert fault(READERS[name], text, SECONDS) is None


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(parts=TEXTS)
def test_a_reader_answers_or_refuses(name, parts):
    assert fault(READERS[name], "".join(parts), SECONDS) is None


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_every_piece_is_read_in_linear_time(name):
    for told, text in repeated(MEGABYTE, FRAMES[:1]):
        assert fault(READERS[name], text, SECONDS) is None, told


def test_a_crash_is_a_fault_and_a_refusal_is_none():
    def crash(text):
        raise IndexError(text)

    def refuse(text):
        raise CorpusError(text)

    assert fault(crash, "sad", SECONDS) == "IndexError: sad"
    assert fault(refuse, "sad", SECONDS) is None


def test_whoever_takes_too_long_is_ended():
    def late(_):
        end = time.process_time() + 60
        while time.process_time() < end:
            pass

    assert fault(late, "sad", 0.01) == "no answer after 0.05 s"
    assert fault(lambda text: sum(range(2_000_000)), "sad", 0.001) is not None


def test_the_command_counts_and_says_what_went_wrong(monkeypatch, capsys):
    monkeypatch.setitem(READERS, "units", len)
    assert main(["--inputs", "6", "--only", "units", "plain"]) == 0
    assert re.search(r"6 texts read in \d+ s, 0 wrong", capsys.readouterr().out)
    monkeypatch.setitem(READERS, "units", lambda text: 1 // 0)
    assert main(["--bytes", "10", "--only", "units"]) == 1
    said = capsys.readouterr().out
    assert re.search(rf"{len(PIECES)} texts read in \d+ s, {len(PIECES)} wrong", said)
    assert "units: ZeroDivisionError" in said


def test_texts_are_the_same_for_a_seed_and_of_the_size_asked_for():
    assert drawn(Random(3), 40) == drawn(Random(3), 40)
    for told, text in repeated(1000):
        assert 960 <= len(text.encode("utf-8", "surrogatepass")) <= 1060, told


def test_who_ends_it_early_is_told_what_was_read(monkeypatch, capsys):
    left = iter("ab")

    def stop(text):
        if next(left, None) is None:
            raise KeyboardInterrupt

    monkeypatch.setitem(READERS, "units", stop)
    assert main(["--inputs", "6", "--only", "units"]) == 0
    assert "2 texts read" in capsys.readouterr().out
