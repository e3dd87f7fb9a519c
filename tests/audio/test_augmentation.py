"""Altered sound: noise at the ratio asked for, draws by the key alone, results that are none."""

import random
from itertools import chain
from pathlib import Path

import audiomentations
import numpy as np
import pytest
import torch
import yaml
from audiomentations import AddGaussianSNR, Gain
from scipy.signal import spectrogram

from emolit.audio.augmentation import alter
from emolit.errors import AudioError
from emolit.seed import drawing_from

RATE = 16_000
TONE = 0.2 * torch.sin(torch.arange(RATE) * 2 * np.pi * 440 / RATE)
CONFIGS = Path(__file__).parents[2] / "configs"
SHIPPED = sorted(
    file for name in ("augmentations", "conditions") for file in (CONFIGS / name).iterdir()
)


def heard(*transforms, key=(0,), waveform=TONE):
    return alter(waveform, RATE, transforms, key, "'a' of 'toy'")


def decibels(samples):
    return 10 * np.log10(np.square(samples.double().numpy()).mean())


@pytest.mark.parametrize("snr", [20.0, 5.0, 0.0])
def test_noise_has_the_ratio_that_was_asked_for(snr):
    altered = heard(AddGaussianSNR(min_snr_db=snr, max_snr_db=snr, p=1.0))
    assert decibels(TONE) - decibels(altered - TONE) == pytest.approx(snr, abs=0.1)


def test_what_is_drawn_follows_from_the_key_and_global_streams_go_on_as_they_were():
    def streams():
        return random.random(), np.random.rand(), float(torch.rand(()))

    def draw(samples, rate):
        return samples * np.float32(random.random() + np.random.rand() + float(torch.rand(())))

    with drawing_from("elsewhere"):
        expected = [streams() for _ in range(2)]
    with drawing_from("elsewhere"):
        found = [streams()]
        first, again, other = (heard(draw, key=(3, key, "a")) for key in (1, 1, 2))
        found.append(streams())
    assert found == expected
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_what_is_too_loud_keeps_its_shape_and_the_clip_itself_is_left_alone():
    before = TONE.clone()

    def double(samples, rate):
        samples *= 10
        return samples

    for transform in (Gain(min_gain_db=20.0, max_gain_db=20.0, p=1.0), double):
        altered = heard(transform)
        assert altered.abs().max() == 1
        torch.testing.assert_close(altered, before / before.abs().max(), atol=1e-6, rtol=1e-5)
    assert torch.equal(TONE, before)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda samples: samples * np.nan, "made samples that are not finite of the clip 'a' of"),
        (lambda samples: samples * 0, "made silence of"),
        (lambda samples: samples[:0], "made silence of"),
        (lambda samples: samples[None], r"made an array of shape \[1, 16000\], which is not mono"),
    ],
)
def test_what_is_no_sound_is_told_with_transform_and_clip(made, said):
    def broken(samples, rate):
        return made(samples)

    with pytest.raises(AudioError, match=f"The transform broken {said}"):
        heard(Gain(p=1.0), broken)
    with pytest.raises(AudioError, match="The transform Silencer made silence"):
        heard(Silencer())


class Silencer:
    def __call__(self, samples, rate):
        return 0 * samples


def test_what_was_silent_may_stay_so():
    assert not heard(Silencer(), waveform=torch.zeros(100)).any()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_transforms_draw_from_nothing_that_no_seed_reaches(path):
    loading = yaml.safe_load(path.read_text())["data"]["init_args"]["loading"]
    lists = loading.get("conditions", {"": loading.get("augmentations")}).values()
    for node in chain(*lists):
        settings = {**node["init_args"], "p": 1.0}
        transform = getattr(audiomentations, node["class_path"].rpartition(".")[2])(**settings)
        found = [heard(transform, key=(key,)) for key in (0, 1, 0)]
        assert torch.equal(found[0], found[2]), node
        assert not torch.equal(found[0], TONE), node
        assert not torch.equal(found[0], found[1]) or node["class_path"].endswith("Compression")
        assert found[0].dtype == torch.float32


def test_masks_silence_stretches_and_weaken_bands():
    """SpecAugment's two masks, on white noise: a power spectrum by scipy shows what is gone."""
    noise = 0.1 * torch.randn(2 * RATE, generator=torch.Generator().manual_seed(0))
    quiet, weak = [], []
    path = CONFIGS / "augmentations/spec_masks.yaml"
    for node in yaml.safe_load(path.read_text())["data"]["init_args"]["loading"]["augmentations"]:
        called = node["class_path"].rpartition(".")[2]
        transform = getattr(audiomentations, called)(**{**node["init_args"], "p": 1.0})
        altered = heard(transform, waveform=noise)
        _, _, before = spectrogram(noise.numpy(), RATE)
        _, _, after = spectrogram(altered.numpy(), RATE)
        lost = 10 * np.log10((before + 1e-12) / (after + 1e-12))
        found = np.median(lost, axis=0 if called == "TimeMask" else 1)
        (quiet if called == "TimeMask" else weak).append(found)
        assert len(altered) == len(noise)
    for found in quiet:  # frames
        assert 0.005 < np.mean(found > 30) < 0.15
    for found in weak:  # frequencies
        assert 0 < np.mean(found > 3) < 0.3
    for found in (*quiet, *weak):
        assert np.median(np.abs(found)) < 1
