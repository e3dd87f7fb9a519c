"""Settings by which Lightning would divide, and numbers that are none, are refused."""

import math

import pytest

from emolit.commands.settings_check import COUNTS, check_settings
from emolit.errors import ConfigError

TRAINER = {
    "accumulate_grad_batches": 1,
    "check_val_every_n_epoch": None,
    "val_check_interval": "00:15:00:00",
    "gradient_clip_val": None,
}


def given(seed=0, **trainer):
    return {"seed_everything": seed, "trainer": TRAINER | trainer}


def test_what_lightning_takes_passes():
    for seed in (True, False, None, 0, 2**32 - 1):
        check_settings(given(seed))
    for clip in (0, 1.0):
        check_settings(given(val_check_interval=0.5, gradient_clip_val=clip))


@pytest.mark.parametrize("name", COUNTS)
def test_nothing_is_divided_by_0(name):
    with pytest.raises(ConfigError, match=rf"`trainer\.{name}` is 0; choose 1 or more"):
        check_settings(given(**{name: 0}))


@pytest.mark.parametrize("clip", [math.nan, -1])
def test_gradients_are_cut_at_a_number(clip):
    with pytest.raises(ConfigError, match=rf"`trainer\.gradient_clip_val` is {clip}"):
        check_settings(given(gradient_clip_val=clip))


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_is_one_of_numpys(seed):
    with pytest.raises(ConfigError, match=f"`seed_everything` is {seed}; choose a whole number"):
        check_settings(given(seed))
