"""Music Flamingo at a tiny size, with its real processor."""

import pytest

from emolit.errors import PolicyError
from emolit.policies.huggingface import HuggingFace
from emolit.policies.music_flamingo import MusicFlamingo
from tests.fakes import audio_models
from tests.policies.contract import Contract


class TestMusicFlamingo(Contract):
    kind = MusicFlamingo
    placeholders = ("<sound>", "<|sound_bos|>", "<|sound_eos|>")
    tower = "audio_tower"

    @classmethod
    def write(cls, folder):
        return audio_models.write("musicflamingo", folder)

    def test_the_generic_policy_says_what_is_wrong(self, folder, batch):
        policy = HuggingFace(str(folder))
        with pytest.raises(PolicyError, match=r"No model loads .*Unrecognized configuration class"):
            policy.build(reference=False, seed=0)
            policy.encode(batch)
