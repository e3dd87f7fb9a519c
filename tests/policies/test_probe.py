"""A linear probe is multinomial logistic regression on standardized states, by scikit-learn."""

import shutil
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from emolit.affect.taxonomy import Taxonomy
from emolit.errors import ConfigError
from emolit.policies.probe import Probe
from emolit.types import Batch, Clip
from tests.engine.towers.test_speech_encoder import whisper

LABELS = ("angry", "happy", "sad")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whisper")
    whisper(folder, None)
    return str(folder)


def tones(number=12):
    """Clips whose pitch tells the label."""
    random = np.random.RandomState(0)
    clips, waves = [], []
    for index in range(number):
        time = np.arange(int(16_000 * random.uniform(0.2, 0.4))) / 16_000
        wave = np.sin(2 * np.pi * (300 + 500 * (index % 3)) * time) + 0.5 * random.randn(len(time))
        clips.append(Clip(str(index), "toy", f"{index}.wav", label=LABELS[index % 3]))
        waves.append(torch.tensor(wave, dtype=torch.float32))
    targets = tuple(f"<answer>{clip.label}</answer>" for clip in clips)
    return Batch(tuple(clips), ("?",) * number, targets, LABELS, tuple(waves), 16_000)


def built(encoder, **settings):
    policy = Probe(encoder=encoder, taxonomy=Taxonomy(LABELS), **settings)
    policy.build(reference=False, seed=0)
    return policy


@pytest.mark.parametrize("cost", [0.02, 1.0])
def test_one_layer_is_logistic_regression(encoder, cost):
    policy, batch = built(encoder, layers=[2], cost=cost), tones()
    features = policy.measure(batch)
    wanted = torch.arange(12) % 3
    policy.fit(features, wanted)
    plain = StandardScaler().fit_transform(features[:, 0].double().numpy())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        truth = LogisticRegression(C=cost, tol=1e-9, max_iter=10_000).fit(plain, wanted.numpy())
    found = policy.logits(batch).softmax(-1).detach()
    expected = torch.tensor(truth.predict_proba(plain)).float()
    torch.testing.assert_close(found, expected, atol=2e-4, rtol=0)


def test_layers_that_tell_more_weigh_more_and_the_answer_does_not_depend_on_the_batch(encoder):
    policy, batch = built(encoder), tones()
    features = policy.measure(batch)
    assert features.shape == (12, 3, 16)
    features = torch.randn(features.shape, generator=torch.Generator().manual_seed(0))
    wanted = torch.arange(12) % 3
    features[:, 1, :3] = 5 * torch.nn.functional.one_hot(wanted, 3).float()
    policy.fit(features, wanted)
    assert policy.mixture.argmax() == 1
    some = replace(batch, clips=batch.clips[5:7], waveforms=batch.waveforms[5:7])
    torch.testing.assert_close(policy.logits(some), policy.logits(batch)[5:7])


def test_a_hidden_layer_tells_what_no_line_can(encoder):
    """Exclusive or: the label is the product of two signs."""
    signs = torch.tensor([[1.0, 1], [1, -1], [-1, 1], [-1, -1]]).repeat(3, 1)
    features, wanted = torch.zeros(12, 1, 16), (signs.prod(-1) > 0).long()
    features[:, 0, :2] = signs
    right = []
    for hidden in (0, 8):
        policy = built(encoder, layers=[1], hidden=hidden, cost=100.0)
        policy.fit(features, wanted)
        right.append(bool((policy.predict(features).argmax(-1) == wanted).all()))
    assert right == [False, True]


def test_a_checkpoint_knows_encoder_layers_and_labels(encoder, tmp_path):
    policy, batch = built(encoder, layers=[0, 2], hidden=4, pooling="mean"), tones()
    policy.fit(policy.measure(batch), torch.arange(12) % 3)
    policy.save(tmp_path / "best")
    again = Probe(str(tmp_path / "best"))
    again.build(reference=False, seed=5)
    assert (again.labels, again.kept, again.window) == (LABELS, [0, 2], 2.0)
    assert torch.equal(again.logits(batch), policy.logits(batch))


@pytest.mark.parametrize(
    "other", [{"layers": [1]}, {"pooling": "mean_std"}, {"hidden": 0}], ids=str
)
def test_a_setting_that_is_not_the_checkpoints_is_refused(encoder, tmp_path, other):
    own = {"layers": [0, 2], "hidden": 4, "pooling": "mean"}
    built(encoder, **own).save(tmp_path / "best")
    Probe(str(tmp_path / "best"), **own).build(reference=False, seed=5)
    with pytest.raises(ConfigError, match=f"`{next(iter(other))}` of Probe is"):
        Probe(str(tmp_path / "best"), **other).build(reference=False, seed=5)


def test_the_encoder_of_a_checkpoint_counts_unless_it_is_gone(encoder, tmp_path):
    named = tmp_path / "named"
    shutil.copytree(encoder, named)
    built(str(named), layers=[0]).save(tmp_path / "best")
    again = Probe(str(tmp_path / "best"), encoder=str(encoder))
    again.build(reference=False, seed=0)
    assert again._heard.checkpoint == str(named.resolve())
    shutil.rmtree(named)
    moved = Probe(str(tmp_path / "best"), encoder=str(encoder))
    moved.build(reference=False, seed=0)
    assert moved._heard.checkpoint == str(encoder)


def test_every_weight_of_the_head_trains_and_the_encoder_does_not(encoder):
    policy, batch = built(encoder), tones()
    policy.logprobs(policy.encode_targets(batch)).sum().backward()
    assert {name for name, weight in policy.named_parameters() if weight.grad is not None} == {
        "mixture", "head.weight", "head.bias"
    }  # fmt: skip
    assert {name for name, _ in policy.named_parameters()} == {
        "mixture", "head.weight", "head.bias"
    }  # fmt: skip


def test_no_encoder_and_no_such_layer_are_told(encoder):
    with pytest.raises(ConfigError, match="`encoder` of Probe is missing"):
        built(None)
    with pytest.raises(ConfigError, match="has the layers 0 to 2"):
        built(encoder, layers=[3])


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"cost": 0.0}, "`cost` of Probe is 0; give a number above 0"),
        ({"cost": -1.0}, "`cost` of Probe is -1"),
        ({"cost": float("nan")}, "`cost` of Probe is nan"),
        ({"hidden": -3}, "`hidden` of Probe is -3"),
    ],
)
def test_a_number_that_makes_no_sense_is_refused(encoder, setting, said):
    with pytest.raises(ConfigError, match=said):
        built(encoder, **setting)
