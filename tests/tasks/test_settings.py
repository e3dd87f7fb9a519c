"""What the config gives counts in a resumed run, and not what the file had."""

from functools import partial

import pytest
import torch
from torch.optim import SGD, AdamW
from torch.optim.lr_scheduler import LinearLR

from emolit.errors import ConfigError
from emolit.tasks.settings import (
    check_optimizer,
    compare_settings,
    optimizer_settings,
    renew,
    scheduler_settings,
)


def weights():
    return [torch.nn.Parameter(torch.ones(2))]


def test_changes_are_named_with_both_values():
    then = optimizer_settings(AdamW(weights(), lr=0.1, betas=(0.9, 0.99)))
    now = optimizer_settings(AdamW(weights(), lr=0.01, betas=(0.9, 0.95)))
    assert compare_settings(then, now) == {
        "optimizer.lr": "0.1 -> 0.01",
        "optimizer.betas.1": "0.99 -> 0.95",
    }
    assert compare_settings(then, then) == {}


def test_another_optimizer_is_refused():
    then, now = (optimizer_settings(kind(weights(), lr=0.1)) for kind in (AdamW, SGD))
    with pytest.raises(ConfigError, match="state of AdamW, and `optimizer` is SGD"):
        check_optimizer(then, now)


def test_moments_stay_and_options_and_schedule_are_those_of_the_config():
    schedule = partial(LinearLR, start_factor=1.0, end_factor=0.0, total_iters=10)
    (weight,) = own = weights()
    trained = AdamW(own, lr=0.1)
    old = schedule(trained)
    for _ in range(4):
        weight.grad = torch.ones(2)
        trained.step()
        old.step()
    moments = trained.state[weight]["exp_avg"].clone()
    fresh = AdamW(weights(), lr=0.01)
    given = compare_settings(
        optimizer_settings(AdamW(weights(), lr=0.1)) | scheduler_settings(schedule(fresh)),
        optimizer_settings(fresh) | scheduler_settings(schedule(fresh)),
    )
    scheduler = renew(trained, AdamW(weights(), lr=0.01), given, schedule, 4)
    assert torch.equal(trained.state[weight]["exp_avg"], moments)
    assert trained.param_groups[0]["lr"] == pytest.approx(0.01 * 0.6)
    assert scheduler.last_epoch == 4
