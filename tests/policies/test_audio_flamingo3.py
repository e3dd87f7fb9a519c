"""Audio Flamingo 3 at a tiny size, with its real processor."""

import json
import shutil
from dataclasses import replace

import pytest
import torch

from emolit.policies.audio_flamingo3 import AudioFlamingo3
from tests.conftest import part
from tests.fakes.models import random_model, save, tokenizer, turns
from tests.policies.contract import SAMPLING, Contract, graded


class TestAudioFlamingo3(Contract):
    kind = AudioFlamingo3
    placeholders = ("<sound>",)

    @classmethod
    def write(cls, folder):
        from transformers import (
            AudioFlamingo3Config,
            AudioFlamingo3ForConditionalGeneration,
            AudioFlamingo3Processor,
            WhisperFeatureExtractor,
        )

        words = tokenizer(("<sound>",), turns("<sound>"), {"audio_token": "<sound>"})
        config = AudioFlamingo3Config(
            audio_config={
                "model_type": "audioflamingo3_encoder",
                "num_mel_bins": 20,
                "hidden_size": 16,
                "num_hidden_layers": 1,
                "num_attention_heads": 2,
                "intermediate_size": 32,
                "max_source_positions": 50,
            },
            text_config={
                "model_type": "qwen2",
                "vocab_size": len(words) + 5,
                "hidden_size": 16,
                "intermediate_size": 32,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "num_key_value_heads": 1,
                "max_position_embeddings": 512,
                "pad_token_id": words.pad_token_id,
                "eos_token_id": words.eos_token_id,
                "bos_token_id": None,
            },
            audio_token_id=words.convert_tokens_to_ids("<sound>"),
        )
        model = random_model(AudioFlamingo3ForConditionalGeneration, config, words.eos_token_id)
        extractor = WhisperFeatureExtractor(feature_size=20, chunk_length=1)
        processor = AudioFlamingo3Processor(
            extractor, words, chat_template=words.chat_template, max_audio_len=3
        )
        return save(folder, model, processor)

    @pytest.mark.parametrize("name", ["dropout", "attention_dropout", "activation_dropout"])
    def test_dropout_of_the_tower_stays_off_where_layers_are_checkpointed(
        self, folder, policy, batch, tmp_path, name
    ):
        shutil.copytree(folder, tmp_path / "dropping")
        config = json.loads((folder / "config.json").read_text())
        config["audio_config"][name] = 0.5
        (tmp_path / "dropping/config.json").write_text(json.dumps(config))
        rollout = policy.sample(batch, 3, SAMPLING, seed=0, step=0)
        truth = policy.logprobs(rollout)
        expected = graded(policy, truth)
        other = self.built(tmp_path / "dropping", gradient_checkpointing=True)
        logprobs = other.logprobs(rollout)
        torch.testing.assert_close(logprobs, truth, atol=1e-5, rtol=0)
        for key, found in graded(other, logprobs).items():
            torch.testing.assert_close(found, expected[key], atol=1e-3, rtol=1e-3)

    def test_a_clip_beyond_one_window_is_heard_in_several(self, policy, batch):
        """A batch of clips with one window and with three, each as if it were alone."""
        waves = tuple(wave.repeat(4) for wave in batch.waveforms)
        mixed = replace(batch, waveforms=batch.waveforms[:3] + waves[3:])
        assert policy.window == 3.0
        inputs = policy.encode(mixed).inputs
        assert len(inputs["input_features"]) == 3 + 3 + 3
        rollout = policy.encode_targets(mixed)
        logprobs = policy.logprobs(rollout)
        alone = policy.logprobs(policy.encode_targets(part(mixed, slice(4, 5))))
        length = alone.shape[-1]
        assert (alone[0] - logprobs[4, :, :length]).abs().max() < 1e-5
