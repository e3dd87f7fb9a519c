"""Gemma 4 without towers at a tiny size."""

from emolit.policies.gemma4_unified import Gemma4Unified
from tests.fakes import audio_models
from tests.policies.contract import Contract


class TestGemma4Unified(Contract):
    kind = Gemma4Unified
    placeholders = ("<audio_soft_token>", "<start_of_audio>", "<end_of_audio>")
    tower = "embed_audio"

    @classmethod
    def write(cls, folder):
        return audio_models.write("gemma4_unified", folder)
