"""What a processor is given: clips of any length."""

from dataclasses import replace

import pytest
import torch

from emolit.errors import PolicyError
from emolit.policies.nano import Nano
from tests.conftest import part


def built(folder, **settings):
    policy = Nano(str(folder), **settings)
    policy.build(reference=False, seed=0)
    return policy


@pytest.fixture
def policy(nano_folder):
    return built(nano_folder)


def test_a_very_short_clip_is_heard(policy, batch):
    short = replace(part(batch, slice(1)), waveforms=(torch.ones(1),))
    assert policy.logprobs(policy.encode_targets(short)).isfinite().all()


def test_a_clip_longer_than_the_window_is_cut_or_refused_as_told(nano_folder, batch):
    long = replace(part(batch, slice(1)), waveforms=(torch.randn(20_000),))
    cut = replace(long, waveforms=(long.waveforms[0][:16_000],))
    policy = built(nano_folder)
    assert policy.window == 1.0
    for name, value in policy.encode(long).inputs.items():
        assert torch.equal(value, policy.encode(cut).inputs[name]), name
    strict = built(nano_folder, long_audio="raise")
    strict.encode(cut)
    with pytest.raises(PolicyError, match=r"'clip0' of 'toy' has 1\.2 s, .* hears 1 s"):
        strict.encode(long)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ messages[0", r"fails in line 1: .*Mend `chat_template\.jinja`"),
        ("ok\n{% nonsense %}", r"fails in line 2: .*nonsense"),
        ("{{ messages.missing.deeper }}", "fails: .*has no attribute .missing."),
        ("{{ raise_exception('roles must alternate') }}", "fails: roles must alternate"),
        ("{{ 1 + 'a' }}", "fails: unsupported operand"),
        ("Transcribe this.", "leaves out what is asked"),
    ],
)
def test_a_chat_template_that_fails_is_told_with_its_line(policy, nano_folder, template, said):
    policy.processor.chat_template = template
    with pytest.raises(PolicyError, match=rf"The chat template of '{nano_folder}' {said}"):
        policy.render("Which emotion?")
