"""Who lends sound and words to whom; what is decoded then."""

import numpy as np
import soundfile
import torch

from emolit.data.dataset import LoaderSettings
from emolit.data.swaps import SOUND, WORDS, Swap, SwappedDataset
from emolit.types import Clip

CLIPS = [
    Clip(f"{speaker}{label}{take}", "toy", f"{speaker}{label}{take}.wav", label, speaker,
         transcript=f"{label} {take}", seconds=0.5)
    for speaker in ("anna", "bert") for label in ("sad", "happy") for take in (0, 1)
]  # fmt: skip
STRANGER = Clip("x", "other", "x.wav", "sad", "anna", transcript="sad", seconds=0.5)


def test_every_condition_finds_the_donors_that_its_name_says():
    for name, condition in {**SOUND, **WORDS}.items():
        swaps = condition([*CLIPS, STRANGER], 0)
        assert [swap.clip for swap in swaps][: len(CLIPS)] == CLIPS, name
    for swap in SOUND["same label"](CLIPS, 0):
        assert swap.sound != swap.clip and swap.words == swap.sound
        assert (swap.sound.label, swap.sound.speaker) == (swap.clip.label, swap.clip.speaker)
    for swap in SOUND["another label"](CLIPS, 0):
        assert swap.sound.label != swap.clip.label and swap.sound.speaker == swap.clip.speaker
    for swap in SOUND["another speaker"](CLIPS, 0):
        assert swap.sound.label == swap.clip.label and swap.sound.speaker != swap.clip.speaker
    for swap in WORDS["contradicting words"](CLIPS, 0):
        assert swap.sound == swap.clip and swap.shown.transcript.split()[0] != swap.clip.label
    assert {swap.shown.transcript for swap in WORDS["sound alone"](CLIPS, 0)} == {None}
    assert all(s.sound is None and s.shown == s.clip for s in WORDS["words alone"](CLIPS, 0))
    assert all(s.sound is None and not s.shown.transcript for s in SOUND["silence"](CLIPS, 0))


def test_a_clip_without_a_donor_is_left_out_and_no_corpus_lends_to_another():
    assert SOUND["same label"]([CLIPS[0], STRANGER], 0) == []
    assert WORDS["sound alone"]([Clip("a", "toy", "a.wav", "sad")], 0) == []


def test_donors_are_the_same_for_a_seed_and_others_for_another():
    first, again = (SOUND["another label"](CLIPS, 0) for _ in range(2))
    assert first == again
    assert any(SOUND["another label"](CLIPS, seed) != first for seed in range(1, 5))


def test_the_sound_of_the_donor_is_heard_under_the_name_of_the_clip(tmp_path):
    for index, clip in enumerate(CLIPS):
        wave = np.full(8_000, 0.1 * (index + 1), dtype=np.float32)
        soundfile.write(tmp_path / clip.path, wave, 16_000, subtype="FLOAT")
    swaps = (Swap(CLIPS[0], CLIPS[3], CLIPS[2]), Swap(CLIPS[1], None, None))
    dataset = SwappedDataset(
        (CLIPS[0], CLIPS[1]), {"toy": tmp_path}, 16_000, LoaderSettings(), swaps=swaps
    )
    clip, heard = dataset[0]
    assert (clip.id, clip.transcript) == (CLIPS[0].id, CLIPS[2].transcript)
    torch.testing.assert_close(heard, torch.full((8_000,), 0.4))
    clip, heard = dataset[1]
    assert clip.transcript is None and len(heard) == 8_000 and not heard.any()
