"""The seed of the run is the one of the config."""

import hashlib
import random

import numpy as np
import pytest
import torch
from lightning.pytorch import seed_everything

from emolit.seed import drawing_from, run_seed, stream


def test_the_seed_is_the_one_that_lightning_was_given(monkeypatch):
    monkeypatch.delenv("PL_GLOBAL_SEED", raising=False)
    assert run_seed() == 0
    monkeypatch.setenv("PL_GLOBAL_SEED", "1")  # so that it is restored
    seed_everything(7, verbose=False)
    assert run_seed() == 7


def test_a_stream_is_a_function_of_its_key_and_the_order_of_clips_is_as_ever():
    """The key of an epoch, ``seed epoch``, must give what published runs were trained in."""
    digest = hashlib.sha256(b"3 5").hexdigest()
    by_hand = torch.Generator().manual_seed(int(digest[:8], 16))
    drawn = torch.randperm(50, generator=stream(3, 5))
    assert torch.equal(drawn, torch.randperm(50, generator=by_hand))


def test_streams_are_put_back_where_they_were_after_an_error_too():
    with drawing_from(1):
        expected = random.random(), np.random.rand(), torch.rand(())
    with drawing_from(1):
        with pytest.raises(ZeroDivisionError), drawing_from(2):
            random.random(), np.random.rand(), torch.rand(()), 1 / 0
        assert (random.random(), np.random.rand(), torch.rand(())) == expected
