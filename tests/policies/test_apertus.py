"""Apertus 1.5 at a tiny size: it hears codes of sound."""

from emolit.policies.apertus import Apertus
from tests.fakes import audio_models
from tests.policies.contract import Contract


class TestApertus(Contract):
    kind = Apertus
    placeholders = ("<|audio|>", "<|audio_start|>", "<|audio_end|>")
    tower = "embed_tokens"
    steps = 80

    @classmethod
    def write(cls, folder):
        return audio_models.write("apertus1p5", folder)
