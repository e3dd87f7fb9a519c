"""Batches come out of workers as they went in, and one takes few file handles."""

import pickle
import subprocess
import sys
from multiprocessing.reduction import ForkingPickler

import pytest
import torch

from emolit.data.batch_transfer import join, part, register
from emolit.types import Batch, Clip

FEW = """
import resource
import sys
from pathlib import Path

from emolit.data.dataset import ClipDataset, Collate, LoaderSettings, clip_loader
from emolit.data.sampler import ClipSampler
from emolit.prompts.direct import Direct
from emolit.types import Clip

resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
clips = tuple(Clip(str(n), "toy", "a.wav", label="sad") for n in range(200))
loading = LoaderSettings(eval_batch_size=200, num_workers=1)
dataset = ClipDataset(clips, {"toy": Path(sys.argv[1])}, 16_000, loading)
loader = clip_loader(dataset, ClipSampler([200]), Collate(Direct(), ("sad",), 16_000), False)
(batch,) = loader
print(len(batch), sum(map(len, batch.waveforms)))
"""


def batch(waveforms=(), frames=()):
    clips = tuple(Clip(str(n), "toy", "a.wav") for n in range(len(waveforms)))
    texts = ("?",) * len(clips)
    return Batch(clips, texts, texts, ("sad",), waveforms, 8000, frames, unread=("gone",))


@pytest.mark.parametrize(
    "given",
    [
        batch(),
        batch((torch.randn(5), torch.zeros(0), torch.randn(1))),
        batch(
            (torch.randn(2), torch.randn(3)),
            (torch.ones(2, 3, 4, 5, dtype=torch.uint8), torch.zeros(1, 3, 2, 2, dtype=torch.uint8)),
        ),
    ],
    ids=["empty", "sound", "sound and pictures"],
)
def test_a_batch_comes_out_as_it_went_in(given):
    register()
    found = pickle.loads(ForkingPickler.dumps(given))
    for name in ("clips", "questions", "targets", "options", "sampling_rate", "unread"):
        assert getattr(found, name) == getattr(given, name)
    for name in ("waveforms", "frames"):
        pairs = zip(getattr(found, name), getattr(given, name), strict=True)
        assert all(a.dtype == b.dtype and torch.equal(a, b) for a, b in pairs)


def test_what_was_joined_is_parted():
    tensors = (torch.arange(3), torch.arange(0), torch.arange(4).reshape(2, 2))
    flat, _ = join(tensors)
    assert flat.tolist() == [0, 1, 2, 0, 1, 2, 3]
    assert all(torch.equal(a, b) for a, b in zip(part(join(tensors)), tensors, strict=True))


def test_a_large_batch_fits_through_few_file_handles(tmp_path):
    import soundfile

    soundfile.write(tmp_path / "a.wav", [0.25, -0.25] * 800, 16_000)
    done = subprocess.run(
        [sys.executable, "-c", FEW, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.split() == ["200", str(200 * 1600)], done.stderr[-2000:]
