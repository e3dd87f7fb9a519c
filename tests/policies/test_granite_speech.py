"""Granite Speech at a tiny size: clips are heard one by one."""

import json
import shutil

import pytest
import torch

from emolit.engine.inputs.encoding import pad_waveforms
from emolit.errors import PolicyError
from emolit.policies.granite_speech import GraniteSpeech
from tests.conftest import part
from tests.fakes.models import random_model, save, tokenizer, turns
from tests.policies.contract import Contract


class TestGraniteSpeech(Contract):
    kind = GraniteSpeech
    placeholders = ("<|audio|>",)
    tower = "encoder"

    @classmethod
    def write(cls, folder):
        from transformers import (
            GraniteSpeechConfig,
            GraniteSpeechFeatureExtractor,
            GraniteSpeechForConditionalGeneration,
        )

        words = tokenizer(("<|audio|>",), turns("<|audio|>"))
        config = GraniteSpeechConfig(
            encoder_config={
                "input_dim": 160,
                "num_layers": 2,
                "hidden_dim": 16,
                "num_heads": 2,
                "feedforward_mult": 2,
                "output_dim": 8,
                "context_size": 20,
                "max_pos_emb": 32,
                "conv_kernel_size": 3,
            },
            projector_config={
                "model_type": "blip_2_qformer",
                "hidden_size": 16,
                "encoder_hidden_size": 16,
                "num_hidden_layers": 1,
                "num_attention_heads": 2,
                "intermediate_size": 32,
                "cross_attention_frequency": 1,
            },
            text_config={
                "model_type": "granite",
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
                "tie_word_embeddings": False,
            },
            audio_token_index=words.convert_tokens_to_ids("<|audio|>"),
            has_lora_adapter=False,
            tie_word_embeddings=False,
        )
        model = random_model(GraniteSpeechForConditionalGeneration, config, words.eos_token_id)
        return save(folder, model, words, GraniteSpeechFeatureExtractor())

    def test_inputs_are_those_of_the_real_processor(self, policy, batch):
        from transformers import GraniteSpeechProcessor

        own = policy.processor
        real = GraniteSpeechProcessor(own.feature_extractor, own.tokenizer)
        for clip in range(5):  # one by one, as the encoder hears them
            one = part(batch, slice(clip, clip + 1))
            texts = [policy.render(one.questions[0])]
            waveforms = pad_waveforms(one, 16_000, policy.shortest)
            expected = real(text=texts, audio=waveforms, return_tensors="pt")
            found = policy.process(texts, waveforms, 16_000)
            assert set(found) == set(expected)
            for name, value in found.items():
                assert torch.equal(value, expected[name]), name

    def test_an_adapter_that_comes_along_is_refused(self, folder, tmp_path):
        shutil.copytree(folder, tmp_path / "with")
        config = json.loads((tmp_path / "with/config.json").read_text())
        (tmp_path / "with/config.json").write_text(json.dumps(config | {"has_lora_adapter": True}))
        with pytest.raises(PolicyError, match="merge it into the weights"):
            self.built(tmp_path / "with")
