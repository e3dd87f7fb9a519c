"""A support vector machine on eGeMAPS: openSMILE and scikit-learn, called by themselves."""

import numpy as np
import pytest
import torch

from emolit.affect.taxonomy import Taxonomy
from emolit.errors import ConfigError, PolicyError
from emolit.policies import functionals
from emolit.policies.functionals import Functionals
from emolit.types import Sampling
from tests.policies.test_probe import LABELS, tones


def built(labels=LABELS, **settings):
    policy = Functionals(taxonomy=Taxonomy(labels), **settings)
    policy.build(reference=False, seed=0)
    return policy


@pytest.fixture
def features(monkeypatch):
    """Nine clips of three labels; fitting them needs no openSMILE."""
    monkeypatch.setattr(functionals, "find_spec", bool)
    return torch.randn(9, 88, generator=torch.Generator().manual_seed(0))


def test_the_functionals_are_those_of_opensmile():
    opensmile = pytest.importorskip("opensmile", reason="needs the extra baselines: research only")
    batch = tones(5)
    features = built().measure(batch)
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    expected = smile.process_signal(batch.waveforms[4].numpy(), 16_000).to_numpy()[0]
    assert features.shape == (5, 88)
    np.testing.assert_array_equal(features[4].numpy(), expected.astype(np.float32))


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_it_answers_as_the_machine_of_scikit_learn_does(features, kernel):
    from sklearn.svm import SVC

    wanted = torch.arange(9) % 3
    policy = built(kernel=kernel, cost=0.5)
    policy.fit(features, wanted)
    plain = (features - features.mean(0)) / features.std(0, correction=0).clamp(min=1e-12)
    truth = SVC(kernel=kernel, C=0.5).fit(plain.double().numpy(), wanted.numpy())
    expected = torch.tensor(truth.decision_function(plain.double().numpy())).float()
    torch.testing.assert_close(policy.predict(features), expected, atol=1e-3, rtol=1e-3)


def test_a_label_without_clips_is_never_said_and_two_labels_work(features, monkeypatch):
    policy = built((*LABELS, "shy"))
    policy.fit(features, torch.arange(9) % 3)
    assert policy.predict(features)[:, 3].isinf().all()
    two = built(("angry", "happy"))
    two.fit(features, torch.arange(9) % 3 % 2)
    scores = two.predict(features)
    torch.testing.assert_close(scores[:, 0], -scores[:, 1])
    monkeypatch.setattr(two, "measure", lambda batch: features[: len(batch)])
    rollout = two.sample(tones(9), 1, Sampling().greedy(), seed=0, step=0)
    assert torch.equal(rollout.tokens[:, 0, 0], scores.argmax(-1))


def test_a_saved_machine_answers_alike_and_code_in_it_is_refused(features, tmp_path):
    import skops.io

    policy = built()
    policy.fit(features, torch.arange(9) % 3)
    policy.save(tmp_path / "best")
    again = Functionals(str(tmp_path / "best"))
    again.build(reference=False, seed=0)
    assert torch.equal(again.predict(features), policy.predict(features))
    with pytest.raises(ConfigError, match=r"`cost` of Functionals is 2\.0, and .*with 1\.0"):
        Functionals(str(tmp_path / "best"), cost=2.0).build(reference=False, seed=0)
    skops.io.dump(tones, tmp_path / "best" / functionals.FILE)
    with pytest.raises(PolicyError, match="it may run code"):
        Functionals(str(tmp_path / "best")).build(reference=False, seed=0)


def test_missing_packages_and_the_license_are_told_in_a_sentence(monkeypatch):
    monkeypatch.setattr(functionals, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"opensmile, sklearn, skops.*no commercial use"):
        built()


def test_a_cost_of_nothing_and_one_label_alone_are_refused(features):
    with pytest.raises(ConfigError, match=r"`cost` of Functionals is 0; give a number above 0"):
        Functionals(cost=0.0)
    with pytest.raises(PolicyError, match=rf"All 9 training clips have the label '{LABELS[1]}'"):
        built().fit(features, torch.ones(9, dtype=torch.long))


def test_a_clip_of_which_nothing_can_be_measured_is_named(features):
    policy, batch = built(), tones(3)
    policy._features = lambda batch: torch.tensor([[0.0], [float("nan")], [0.0]])
    with pytest.raises(PolicyError, match=rf"functionals of the clip '{batch.clips[1].id}'"):
        policy.measure(batch)
