"""Voxtral at a tiny size; a tokenizer of our own stands in for Mistral's."""

from dataclasses import replace

import torch

from emolit.engine.inputs.encoding import pad_waveforms
from emolit.policies.voxtral import Voxtral
from tests.conftest import part
from tests.fakes.models import random_model, save, tokenizer
from tests.policies.contract import Contract

CONTROL = ("<s>", "[INST]", "[/INST]", "[BEGIN_AUDIO]", "[AUDIO]")


class TestVoxtral(Contract):
    kind = Voxtral
    placeholders = CONTROL

    @classmethod
    def write(cls, folder):
        from transformers import (
            VoxtralConfig,
            VoxtralForConditionalGeneration,
            WhisperFeatureExtractor,
        )

        words = tokenizer(CONTROL, "")
        config = VoxtralConfig(
            audio_config={
                "model_type": "voxtral_encoder",
                "num_mel_bins": 20,
                "hidden_size": 16,
                "num_hidden_layers": 1,
                "num_attention_heads": 2,
                "intermediate_size": 32,
                "max_source_positions": 50,
            },
            text_config={
                "model_type": "llama",
                "vocab_size": len(words) + 5,
                "hidden_size": 16,
                "intermediate_size": 32,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "num_key_value_heads": 1,
                "head_dim": 8,
                "max_position_embeddings": 512,
                "pad_token_id": words.pad_token_id,
                "eos_token_id": words.eos_token_id,
                "bos_token_id": words.convert_tokens_to_ids("<s>"),
            },
            audio_token_id=words.convert_tokens_to_ids("[AUDIO]"),
        )
        model = random_model(VoxtralForConditionalGeneration, config, words.eos_token_id)
        return save(folder, model, words, WhisperFeatureExtractor(feature_size=20, chunk_length=1))

    def test_the_prompt_is_the_one_of_mistrals_tokenizer(self, policy, batch):
        one = part(batch, slice(1))
        encoded = policy.encode(one)
        names = policy.processor.tokenizer.convert_ids_to_tokens(encoded.inputs["input_ids"][0])
        audio = 25
        assert names[:3] == ["<s>", "[INST]", "[BEGIN_AUDIO]"]
        assert names[3:-1].count("[AUDIO]") == audio
        assert names[-1] == "[/INST]"
        question = policy.processor.tokenizer.decode(encoded.inputs["input_ids"][0, 3 + audio : -1])
        assert question == one.questions[0]

    def test_features_are_those_of_the_real_processor(self, policy, batch):
        from transformers import VoxtralProcessor

        waveform = pad_waveforms(batch, 16_000, policy.shortest)[4]
        long = torch.from_numpy(waveform).repeat(3).numpy()
        expected = VoxtralProcessor._retrieve_input_features(
            policy.processor,
            [long],
            100,
            sampling_rate=16_000,
            padding=True,
            truncation=False,
            pad_to_multiple_of=16_000,
            return_tensors="pt",
        )
        found = policy.process(["Well?"], [long], 16_000)["input_features"]
        assert torch.equal(found, expected)

    def test_a_clip_beyond_one_window_is_heard_in_several(self, policy, batch):
        waves = tuple(wave.repeat(4) for wave in batch.waveforms)
        mixed = replace(batch, waveforms=batch.waveforms[:3] + waves[3:])
        assert len(policy.encode(mixed).inputs["input_features"]) == 3 + 3 + 3
        logprobs = policy.logprobs(policy.encode_targets(mixed))
        alone = policy.logprobs(policy.encode_targets(part(mixed, slice(4, 5))))
        assert (alone[0] - logprobs[4, :, : alone.shape[-1]]).abs().max() < 1e-5
