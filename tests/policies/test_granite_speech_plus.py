"""Granite Speech Plus at a tiny size: its projector hears two layers."""

import pytest

from emolit.errors import PolicyError
from emolit.policies.granite_speech_plus import GraniteSpeechPlus
from emolit.policies.huggingface import HuggingFace
from tests.fakes import audio_models
from tests.policies.contract import Contract


class TestGraniteSpeechPlus(Contract):
    kind = GraniteSpeechPlus
    placeholders = ("<|audio|>",)
    tower = "encoder"

    @classmethod
    def write(cls, folder):
        return audio_models.write("granite_speech_plus", folder)

    def test_the_generic_policy_says_what_is_wrong(self, folder, batch):
        policy = HuggingFace(str(folder))
        with pytest.raises(PolicyError, match=r"Processor, has no `feature_extractor`"):
            policy.build(reference=False, seed=0)
            policy.encode(batch)
