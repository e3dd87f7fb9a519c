"""VibeVoice-ASR at a tiny size, with its real processor, without its noise."""

import pytest

from emolit.errors import PolicyError
from emolit.policies.huggingface import HuggingFace
from emolit.policies.vibevoice_asr import VibeVoiceAsr
from tests.fakes import audio_models
from tests.policies.contract import Contract


class TestVibeVoiceAsr(Contract):
    kind = VibeVoiceAsr
    placeholders = ("<|box_start|>", "<|object_ref_start|>", "<|object_ref_end|>")
    tower = "multi_modal_projector"
    steps = 80

    @classmethod
    def write(cls, folder):
        return audio_models.write("vibevoice_asr", folder)

    def test_the_generic_policy_says_what_is_wrong(self, folder, batch):
        policy = HuggingFace(str(folder))
        with pytest.raises(PolicyError, match="are not what its head makes"):
            policy.build(reference=False, seed=0)
            policy.encode(batch)
