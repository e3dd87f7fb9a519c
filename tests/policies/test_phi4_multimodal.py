"""Phi-4-multimodal at a tiny size: clips are heard one by one."""

import torch

from emolit.engine.inputs.encoding import pad_waveforms
from emolit.policies.phi4_multimodal import Phi4Multimodal
from tests.conftest import part
from tests.fakes.models import random_model, save, tokenizer, turns
from tests.policies.contract import Contract

NAMED = {"audio_token": "<|audio|>", "image_token": "<|image|>"}


class TestPhi4Multimodal(Contract):
    kind = Phi4Multimodal
    placeholders = tuple(NAMED.values())
    tower = "audio_embed"

    @classmethod
    def write(cls, folder):
        from transformers import (
            Phi4MultimodalConfig,
            Phi4MultimodalFeatureExtractor,
            Phi4MultimodalForCausalLM,
        )

        words = tokenizer(tuple(NAMED.values()), turns("<|audio|>"), NAMED)
        config = Phi4MultimodalConfig(
            vocab_size=len(words) + 5,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            max_position_embeddings=512,
            original_max_position_embeddings=512,
            rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
            pad_token_id=words.pad_token_id,
            eos_token_id=words.eos_token_id,
            bos_token_id=None,
            audio_config={
                "hidden_size": 16,
                "intermediate_size": 16,
                "num_blocks": 1,
                "num_attention_heads": 2,
                "chunk_size": 1000,
                "ext_pw_out_channel": 16,
                "depthwise_separable_out_channel": 16,
                "nemo_conv_channels": 8,
                "bias_max_distance": 16,
                "audio_token_id": words.convert_tokens_to_ids("<|audio|>"),
            },
            vision_config={
                "hidden_size": 16,
                "intermediate_size": 16,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "image_size": 28,
                "crop_size": 28,
                "image_token_id": words.convert_tokens_to_ids("<|image|>"),
            },
        )
        model = random_model(Phi4MultimodalForCausalLM, config, words.eos_token_id)
        return save(folder, model, words, Phi4MultimodalFeatureExtractor())

    def test_inputs_are_those_of_the_real_processor(self, policy, batch, monkeypatch):
        from transformers import Phi4MultimodalProcessor

        check = "check_argument_for_proper_class"
        monkeypatch.setattr(Phi4MultimodalProcessor, check, lambda *_: None)
        own = policy.processor
        real = Phi4MultimodalProcessor(None, own.feature_extractor, own.tokenizer)
        for clip in range(5):  # one by one, as the encoder hears them
            one = part(batch, slice(clip, clip + 1))
            texts = [policy.render(one.questions[0])]
            waveforms = pad_waveforms(one, 16_000, policy.shortest)
            expected = real(text=texts, audio=waveforms, sampling_rate=16_000, return_tensors="pt")
            found = policy.process(texts, waveforms, 16_000)
            assert found["audio_attention_mask"].all()  # left out for one clip by the real one
            assert set(found) - set(expected) == {"audio_attention_mask"}
            for name, value in expected.items():
                assert torch.equal(found[name], value), name
