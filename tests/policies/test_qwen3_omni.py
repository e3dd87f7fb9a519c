"""Qwen3-Omni at a tiny size: experts, chunks of a second, and a folder that holds the talker."""

from dataclasses import replace

import pytest
import torch

from emolit.policies.qwen3_omni import Qwen3Omni
from tests.conftest import part
from tests.fakes.models import random_model, save, tokenizer, turns
from tests.policies.contract import Contract
from tests.policies.test_qwen25_omni import (
    NAMED,
    check_positions,
    check_processor,
    release,
    tiny_config,
)


class TestQwen3Omni(Contract):
    kind = Qwen3Omni
    placeholders = tuple(NAMED.values())
    steps = 80

    @pytest.fixture
    @staticmethod
    def batch(batch):
        """Clips of more than a chunk, some with a short last one."""
        return replace(batch, waveforms=tuple(wave.repeat(4) for wave in batch.waveforms))

    @classmethod
    def write(cls, folder):
        from transformers import (
            Qwen3OmniMoeThinkerConfig,
            Qwen3OmniMoeThinkerForConditionalGeneration,
            WhisperFeatureExtractor,
        )

        words = tokenizer(
            tuple(NAMED.values()), turns("<|audio_bos|><|AUDIO|><|audio_eos|>"), NAMED
        )
        ids = words.get_vocab()
        size = {
            "vocabulary": len(words) + 5,
            "tokens": {
                "audio_token_id": ids["<|AUDIO|>"],
                "image_token_id": ids["<|IMAGE|>"],
                "video_token_id": ids["<|VIDEO|>"],
                "audio_end_token_id": ids["<|audio_eos|>"],
            },
            "audio": {"n_window": 50, "n_window_infer": 200, "downsample_hidden_size": 4},
            "vision": {"deepstack_visual_indexes": [0]},
            "text": {
                "num_experts": 4,
                "num_experts_per_tok": 2,
                "moe_intermediate_size": 16,
                "head_dim": 8,
            },
        }
        config = tiny_config(ids, size, Qwen3OmniMoeThinkerConfig)
        model = random_model(
            Qwen3OmniMoeThinkerForConditionalGeneration, config, words.eos_token_id
        )
        return save(folder, model, words, WhisperFeatureExtractor(feature_size=20, chunk_length=1))

    def test_inputs_are_those_of_the_real_processor(self, policy, batch, monkeypatch):
        from transformers import Qwen3OmniMoeProcessor

        for clip in range(5):  # one by one: in a batch its last frames depend on other clips
            check_processor(
                policy, part(batch, slice(clip, clip + 1)), monkeypatch, Qwen3OmniMoeProcessor
            )

    def test_positions_have_three_axes_and_count_from_the_first_token(self, policy, batch):
        check_positions(policy, batch)

    def test_a_clip_below_a_chunk_is_padded_to_one(self, policy, batch):
        short = replace(batch, waveforms=tuple(wave[:5_000] for wave in batch.waveforms))
        features = policy.encode(short).inputs["feature_attention_mask"]
        assert features.sum(-1).tolist() == [100] * 5
        assert policy.window is None

    def test_the_thinker_loads_from_a_folder_with_a_talker(self, folder, policy, batch, tmp_path):
        from transformers import Qwen3OmniMoeConfig

        whole = release(folder, tmp_path, Qwen3OmniMoeConfig, "code2wav.x")
        rollout = policy.encode_targets(batch)
        assert torch.equal(self.built(whole).logprobs(rollout), policy.logprobs(rollout))
