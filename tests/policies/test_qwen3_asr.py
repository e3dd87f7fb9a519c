"""Qwen3-ASR at a tiny size, with its real processor."""

from emolit.policies.huggingface import HuggingFace
from emolit.policies.qwen3_asr import Qwen3ASR
from tests.conftest import part
from tests.fakes import audio_models
from tests.policies.contract import Contract


class TestQwen3ASR(Contract):
    kind = Qwen3ASR
    placeholders = ("<|audio_pad|>", "<|audio_start|>", "<|audio_end|>")
    tower = "audio_tower"

    @classmethod
    def write(cls, folder):
        return audio_models.write("qwen3_asr", folder)

    def test_the_generic_policy_hears_a_clip_otherwise_in_a_batch(self, folder, batch):
        policy = HuggingFace(str(folder))
        policy.build(reference=False, seed=0)
        together = policy.logprobs(policy.encode_targets(batch))
        one = part(batch, slice(0, 1))
        alone = policy.logprobs(policy.encode_targets(one))
        assert (together[0, :, : alone.shape[-1]] - alone[0]).abs().max() > 1e-4
