"""A network that does not hear, or whose head is not its last operation, is refused."""

import pytest
import torch

from emolit.engine.self_check import last_only
from emolit.errors import PolicyError
from emolit.policies.nano import Nano


@pytest.fixture
def policy(nano_folder):
    made = Nano(str(nano_folder))
    made.build(reference=False, seed=0)
    return made


def test_a_sound_network_passes_once(policy, batch):
    runs = []
    policy.base.register_forward_hook(lambda *_: runs.append(1))
    policy.encode(batch)
    assert len(runs) == 3
    policy.encode(batch)
    policy.encode(batch, 2)
    assert len(runs) == 3


def test_a_network_that_does_not_hear_is_refused(policy, batch):
    policy.base.model.multi_modal_projector.register_forward_hook(lambda _, __, out: 0 * out)
    with pytest.raises(PolicyError, match="same with and without the audio under transformers"):
        policy.encode(batch)


def test_a_network_that_does_more_behind_its_head_is_refused(policy, batch):
    def squeezed(_, __, output):
        output.logits = output.logits.clamp(-1e-3, 1e-3)

    policy.base.register_forward_hook(squeezed)
    with pytest.raises(PolicyError, match="not what its head makes"):
        policy.encode(batch)


def test_audio_tokens_that_differ_from_features_are_named(policy, batch, monkeypatch):
    process = policy.process

    def shorter(texts, waveforms, rate):
        inputs = process(texts, waveforms, rate)
        inputs["feature_attention_mask"][:, 20:] = 0
        return inputs

    monkeypatch.setattr(policy, "process", shorter)
    with pytest.raises(PolicyError, match="cannot read its own processor's prompts"):
        policy.encode(batch)


def test_a_device_without_memory_is_no_wrong_network(policy, batch):
    def exhausted(*_):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    policy.base.register_forward_hook(exhausted)
    with pytest.raises(torch.OutOfMemoryError):
        policy.encode(batch)


def test_a_policy_that_only_reads_need_not_hear(policy, batch):
    policy.base.model.multi_modal_projector.register_forward_hook(lambda _, __, out: 0 * out)
    policy.hears = False
    policy.encode(batch)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_damaged_weights_are_refused_as_such(policy, batch, value):
    with torch.no_grad():
        policy.base.get_output_embeddings().weight[3] = value
    with pytest.raises(PolicyError, match="no finite numbers under transformers"):
        policy.encode(batch)


def test_the_head_sees_one_position_a_prompt(policy, batch):
    """Logits of whole prompts are the largest tensor there is; one position is all that is read."""
    seen = []
    head = policy.base.get_output_embeddings()
    call = head.forward
    head.forward = lambda hidden: seen.append(hidden.shape[:-1]) or call(hidden)
    model = policy.language_model()
    policy._checked = True  # the check comes below
    encoded = policy.encode(batch)
    hidden = torch.zeros(2, 7, head.in_features)
    with last_only(model.head):
        assert model.head(hidden).shape == (2, 1, head.out_features)
        policy.base(**encoded.inputs, position_ids=encoded.positions)
    assert seen == [(2, 1), (len(batch), 1)]
    assert model.head(hidden).shape[:2] == (2, 7)
