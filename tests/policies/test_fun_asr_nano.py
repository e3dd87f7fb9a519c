"""Fun-ASR-Nano at a tiny size, with its real processor."""

from emolit.policies.fun_asr_nano import FunAsrNano
from emolit.policies.huggingface import HuggingFace
from tests.conftest import part
from tests.fakes import audio_models
from tests.policies.contract import Contract


class TestFunAsrNano(Contract):
    kind = FunAsrNano
    placeholders = ("<|object_ref_start|>",)
    tower = "audio_tower"

    @classmethod
    def write(cls, folder):
        return audio_models.write("fun_asr_nano", folder)

    def test_the_generic_policy_hears_a_clip_otherwise_in_a_batch(self, folder, batch):
        policy = HuggingFace(str(folder))
        policy.build(reference=False, seed=0)
        together = policy.logprobs(policy.encode_targets(batch))
        one = part(batch, slice(0, 1))
        alone = policy.logprobs(policy.encode_targets(one))
        assert (together[0, :, : alone.shape[-1]] - alone[0]).abs().max() > 1e-4
