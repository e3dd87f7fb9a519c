"""The perception term by hand, and what is silenced."""

import math
from dataclasses import replace

import pytest
import torch

from emolit.errors import ConfigError
from emolit.rl.perception import Perception, silence
from tests.tasks.toy import asked


def test_nats_are_those_of_the_divergence_and_none_is_above_the_cap():
    """KL(p || q) of two coins, from 400,000 tosses of the first."""
    p, q = torch.tensor([0.7, 0.3]), torch.tensor([0.4, 0.6])
    exact = sum(a * math.log(a / b) for a, b in zip(p.tolist(), q.tolist(), strict=True))
    drawn = torch.multinomial(p, 400_000, True, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(400_000, dtype=torch.bool)
    nats = Perception()(p.log()[drawn], q.log()[drawn], mask)
    assert nats.mean().item() == pytest.approx(exact, rel=0.02)
    far = Perception(cap=0.5)(torch.tensor([0.0]), torch.tensor([5.0]), torch.tensor([True]))
    assert far.item() == 0.5


@pytest.mark.parametrize(("masked", "silent"), [(1.0, 40), (0.5, 20), (0.25, 10)])
def test_so_many_pieces_are_silenced_the_same_for_a_step_and_a_clip(masked, silent):
    batch = replace(asked(3), waveforms=(torch.ones(64_000),) * 3)
    perception = Perception(masked=masked)
    first, again, later = (perception.mask(batch, 0, step).waveforms for step in (0, 0, 1))
    for wave in first:
        pieces = wave.view(40, 1_600)
        assert ((pieces == 0).all(1) | (pieces == 1).all(1)).all()
        assert (pieces == 0).all(1).sum() == silent
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    if masked < 1:
        assert not torch.equal(first[0], first[1]) and not torch.equal(first[0], later[0])


def test_a_clip_that_ends_within_a_piece_and_text_alone():
    batch = replace(asked(2), waveforms=(torch.ones(2_000), torch.zeros(0)))
    assert [len(wave) for wave in Perception().mask(batch, 0, 0).waveforms] == [2_000, 0]
    assert not silence(batch).waveforms[0].any()


@pytest.mark.parametrize("settings", [{"coefficient": -1.0}, {"masked": 0.0}, {"cap": 0.0}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ConfigError, match="The perception term has"):
        Perception(**settings)
