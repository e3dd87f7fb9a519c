"""Many processes see what one sees."""

import os
import time

import pytest
import torch

from emolit.data.decoding_pool import MOST, available_cores, decoding_processes, look_at
from emolit.errors import AudioError
from emolit.types import Clip

CLIPS = [Clip(str(index), "mine", f"{index}.wav") for index in range(100)]


def look(clip):
    """See who looks, and at what; the first clips take longest."""
    time.sleep(0.05 if clip.id == "0" else 0)
    return clip.id, os.getpid()


def refuse(clip):
    if clip.id == "42":
        raise AudioError("42.wav is broken. Mend it.")
    return clip


@pytest.mark.parametrize("processes", [0, 2])
def test_each_clip_is_seen_once_under_its_place(processes):
    found = dict(look_at(look, CLIPS, processes))
    assert {place: seen[0] for place, seen in found.items()} == {i: str(i) for i in range(100)}
    lookers = {process for _, process in found.values()}
    assert len(lookers) == max(1, processes)
    assert (os.getpid() in lookers) is (processes == 0)


@pytest.mark.parametrize("processes", [0, 2])
def test_an_error_arrives_with_its_own_sentence(processes):
    with pytest.raises(AudioError) as error:
        list(look_at(refuse, CLIPS, processes))
    assert str(error.value) == "42.wav is broken. Mend it."


def test_nothing_is_drawn_from_the_global_stream():
    before = torch.get_rng_state()
    list(look_at(look, CLIPS, 0))
    assert torch.equal(torch.get_rng_state(), before)


def test_few_clips_are_worth_no_process(monkeypatch):
    monkeypatch.setattr("emolit.data.decoding_pool.available_cores", lambda: 64)
    assert [decoding_processes(n) for n in (0, 999, 1000, 5000, 10**6)] == [0, 0, 2, 10, MOST]
    monkeypatch.setattr("emolit.data.decoding_pool.available_cores", lambda: 1)
    assert decoding_processes(10**6) == 0


def test_a_process_that_is_bound_to_a_core_has_one(monkeypatch):
    if hasattr(os, "sched_getaffinity"):
        assert available_cores() == len(os.sched_getaffinity(0))
        monkeypatch.delattr(os, "sched_getaffinity")
    assert available_cores() == os.cpu_count()
