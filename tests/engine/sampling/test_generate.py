"""Random streams and drawing."""

import math
from dataclasses import replace

import pytest
import torch
from scipy.stats import chisquare

from emolit.engine.inputs.responses import find_stop_strings
from emolit.engine.sampling.generate import generate, random_streams, sample_token
from emolit.errors import PolicyError
from emolit.policies.nano import Nano
from emolit.rl.groups import clips_of
from emolit.types import Sampling


def test_a_row_depends_on_its_own_key_alone():
    together = random_streams(0, 3, ["a", "b"], group=3, length=5)
    assert torch.equal(together[3:], random_streams(0, 3, ["b"], group=3, length=5))
    assert torch.equal(together[:2], random_streams(0, 3, ["a"], group=2, length=5))
    assert torch.equal(together[:, :2], random_streams(0, 3, ["a", "b"], group=3, length=2))


def test_seed_step_clip_and_row_each_give_another_stream():
    rows = [
        random_streams(0, 0, ["a"], 2, 4),
        random_streams(1, 0, ["a"], 2, 4),
        random_streams(0, 1, ["a"], 2, 4),
        random_streams(0, 0, ["b"], 2, 4),
    ]
    assert len({tuple(row.tolist()) for group in rows for row in group}) == 8


def test_streams_are_the_same_on_every_machine():
    first = random_streams(0, 0, ["ravdess/03-01"], 1, 3)[0]
    expected = [0.6781284154, 0.7929338368, 0.2637302171]
    assert ((first >= 0) & (first < 1)).all()
    torch.testing.assert_close(
        first, torch.tensor(expected, dtype=torch.float64), atol=1e-9, rtol=0
    )


def test_tokens_are_drawn_as_often_as_they_are_likely():
    probabilities = torch.tensor([0.1, 0.0, 0.6, 0.3])
    uniform = random_streams(0, 0, ["x"], 1, 20_000)[0]
    tokens = sample_token(probabilities.log().expand(20_000, 4), uniform, greedy=False)
    counts = torch.bincount(tokens, minlength=4)
    assert counts[1] == 0
    kept = torch.tensor([0, 2, 3])
    expected = 20_000 * probabilities[kept].double() / probabilities.double().sum()
    assert chisquare(counts[kept], expected).pvalue > 0.001


def test_the_ends_of_the_unit_interval_draw_possible_tokens():
    logits = torch.tensor([[float("-inf"), 0.0, 0.0, float("-inf")]]).expand(2, 4)
    tokens = sample_token(
        logits, torch.tensor([0.0, 1 - 2**-53], dtype=torch.float64), greedy=False
    )
    assert tokens.tolist() == [1, 2]


def test_greedy_takes_the_most_likely():
    assert sample_token(
        torch.tensor([[0.0, 2.0, 1.0]]), torch.tensor([0.9]), greedy=True
    ).tolist() == [1]


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("place", ["head", "norm"])
def test_weights_that_became_no_numbers_are_named_and_not_answered_with(
    nano_folder, batch, value, temperature, place
):
    """As in a run that diverged after its network was looked at."""
    policy = Nano(str(nano_folder))
    policy.build(reference=False, seed=0)
    batch = clips_of(batch, range(3))
    policy.encode(batch)
    with torch.no_grad():
        head = policy.base.get_output_embeddings().weight
        weight = head if place == "head" else policy.base.model.language_model.norm.weight
        weight.fill_(value)
    sampling = Sampling(temperature=temperature, max_tokens=3)
    with pytest.raises(PolicyError, match=r"no numbers on the clips \['clip0', 'clip1', 'clip2'\]"):
        policy.sample(batch, 2, sampling, seed=0, step=0)


def test_a_clip_whose_audio_holds_nan_is_named_alone(nano_folder, batch):
    policy = Nano(str(nano_folder))
    policy.build(reference=False, seed=0)
    policy.encode(batch)
    waveforms = list(batch.waveforms)
    waveforms[2] = torch.full_like(waveforms[2], math.nan)
    with pytest.raises(PolicyError, match=r"no numbers on the clips \['clip2'\]"):
        policy.sample(replace(batch, waveforms=tuple(waveforms)), 2, Sampling(), seed=0, step=0)


def test_what_is_drawn_is_always_a_token():
    logits = torch.full((2, 5), math.nan)
    assert (
        sample_token(logits, torch.tensor([0.0, 0.99], dtype=torch.float64), greedy=False) < 5
    ).all()


@pytest.mark.parametrize("top_p", [1.0, 0.9])
@pytest.mark.parametrize("look_every", [3, 8, 64])
def test_how_often_the_host_looks_changes_no_response(nano_folder, batch, look_every, top_p):
    """Rows end by their end token or by a stop string, each where it has ended first."""
    policy = Nano(str(nano_folder))
    policy.build(reference=False, seed=0)
    tokenizer, keys = policy.processor.tokenizer, [clip.id for clip in batch.clips]
    sampling = Sampling(max_tokens=20, top_p=top_p, stop=("a", "e"))
    uniform, found = random_streams(0, 0, keys, 4, 20), []
    for every in (1, look_every):
        with torch.no_grad():
            prefix = policy.scorer.prefix(policy.language_model(), policy.encode(batch), batch)
        found.append(
            generate(
                policy.language_model(),
                prefix.expand(4),
                sampling,
                lambda rows: find_stop_strings(tokenizer, rows, sampling.stop),
                uniform,
                every,
            )
        )
    often, seldom = found
    lengths = often.mask.sum(-1)
    assert len(lengths.unique()) > 3 and often.finished.any()
    for name in ("tokens", "mask", "finished", "support"):
        one, other = getattr(often, name), getattr(seldom, name)
        assert (one is None and other is None) or torch.equal(one, other), name
    torch.testing.assert_close(often.behavior, seldom.behavior, atol=1e-5, rtol=0)
    torch.testing.assert_close(often.entropy, seldom.entropy, atol=1e-5, rtol=0)
    for row, length in enumerate(lengths.tolist()):
        ended = [bool(set("ae") & set(tokenizer.decode(often.tokens[row, :place])))
                 or often.tokens[row, place - 1].item() in policy.ends.tolist()
                 for place in range(1, length + 1)]  # fmt: skip
        assert not any(ended[:-1]) and ended[-1] is often.finished[row].item()
