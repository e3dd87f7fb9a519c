"""Gemma 4 at a tiny size: sliding windows, shared keys, eyes that stay shut."""

from emolit.policies.gemma4 import Gemma4
from tests.fakes import audio_models
from tests.policies.contract import Contract


class TestGemma4(Contract):
    kind = Gemma4
    placeholders = ("<audio_soft_token>", "<start_of_audio>", "<end_of_audio>")
    tower = "audio_tower"

    @classmethod
    def write(cls, folder):
        return audio_models.write("gemma4", folder)
