"""Gemma 3n at a tiny size: a fixed number of audio tokens, sliding windows, shared keys."""

from dataclasses import replace
from importlib.util import find_spec

import pytest
import torch

from emolit.engine.inputs.encoding import pad_waveforms
from emolit.engine.weights.checkpoint import load_model
from emolit.errors import PolicyError
from emolit.policies.gemma3n import Gemma3n
from tests.conftest import part
from tests.fakes.models import random_model, save, tokenizer, turns
from tests.policies.contract import Contract

NAMES = {
    "bos_token": "<bos>",
    "audio_token": "<audio_soft_token>",
    "boa_token": "<start_of_audio>",
    "eoa_token": "<end_of_audio>",
    "image_token": "<image_soft_token>",
    "boi_token": "<start_of_image>",
    "eoi_token": "<end_of_image>",
}


@pytest.mark.skipif(find_spec("timm") is not None, reason="timm is installed")
def test_without_timm_the_message_names_it(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "gemma3n"}')
    with pytest.raises(PolicyError, match=r"No model loads .*timm"):
        load_model(str(tmp_path), Gemma3n.auto_class, "float32")


class TestGemma3n(Contract):
    kind = Gemma3n
    placeholders = tuple(NAMES.values())

    @classmethod
    def write(cls, folder):
        pytest.importorskip("timm", reason="transformers builds the eyes of Gemma 3n with timm")
        from transformers import (
            Gemma3nAudioFeatureExtractor,
            Gemma3nConfig,
            Gemma3nForConditionalGeneration,
        )

        words = tokenizer(cls.placeholders, "<bos>" + turns(NAMES["audio_token"]), NAMES)
        size = len(words)
        config = Gemma3nConfig(
            text_config={
                "vocab_size": size + 16,
                "vocab_size_per_layer_input": size,
                "hidden_size": 16,
                "intermediate_size": 32,
                "num_hidden_layers": 4,
                "num_attention_heads": 2,
                "num_key_value_heads": 1,
                "head_dim": 8,
                "layer_types": ["sliding_attention", "full_attention"] * 2,
                "num_kv_shared_layers": 2,
                "sliding_window": 24,
                "hidden_size_per_layer_input": 4,
                "altup_num_inputs": 2,
                "laurel_rank": 4,
                "activation_sparsity_pattern": [0.5, 0.0, 0.0, 0.0],
                "max_position_embeddings": 512,
                "pad_token_id": words.pad_token_id,
                "eos_token_id": words.eos_token_id,
                "bos_token_id": words.bos_token_id,
            },
            audio_config={
                "vocab_size": 8,
                "vocab_offset": size + 8,
                "input_feat_size": 20,
                "hidden_size": 16,
                "conf_num_attention_heads": 2,
                "conf_num_hidden_layers": 2,
                "sscp_conv_channel_size": [4, 2],
            },
            vision_config={
                "architecture": "test_vit",
                "hidden_size": 8,
                "vocab_size": 8,
                "vocab_offset": size,
            },
            audio_soft_tokens_per_image=6,
            audio_token_id=words.audio_token_id,
            image_token_id=words.image_token_id,
            boa_token_id=words.boa_token_id,
            eoa_token_id=words.eoa_token_id,
        )
        model = random_model(Gemma3nForConditionalGeneration, config, words.eos_token_id)
        extractor = Gemma3nAudioFeatureExtractor(feature_size=20)
        return save(folder, model, words, extractor)

    def test_prompts_are_those_of_the_real_processor(self, policy, batch):
        from transformers import Gemma3nProcessor, SiglipImageProcessor

        own = policy.processor
        seen = SiglipImageProcessor()
        real = Gemma3nProcessor(own.feature_extractor, seen, own.tokenizer, audio_seq_length=6)
        waveforms = pad_waveforms(batch, 16_000)
        texts = [policy.render(question) for question in batch.questions]
        expected = real(text=texts, audio=waveforms, return_tensors="pt", padding=True)
        found = policy.process(texts, waveforms, 16_000)
        skipped = expected["input_ids"].shape[1] - found["input_ids"].shape[1]
        assert torch.equal(found["input_ids"], expected["input_ids"][:, skipped:])
        begin = policy.processor.tokenizer.bos_token_id
        assert (found["input_ids"] == begin).sum(-1).tolist() == [1] * 5
        for clip in range(5):
            mask, other = found["input_features_mask"][clip], expected["input_features_mask"][clip]
            frames = int(other.sum())
            cut = (
                3 if clip == 4 else 0
            )  # without padding the longest clip's last frames are missing
            assert mask.sum() == frames + cut
            features = expected["input_features"][clip, :frames]
            assert torch.equal(found["input_features"][clip, :frames], features)

    def test_padding_of_the_window_that_is_left_out_changes_nothing(self, folder, batch, tmp_path):
        """With a store features stay whole; the tower then runs over its whole window."""
        short, whole = self.built(folder), self.built(folder, store=str(tmp_path))
        frames = [len(p.encode(batch).inputs["input_features"][0]) for p in (short, whole)]
        assert frames[0] < frames[1]
        rollout = short.encode_targets(batch)
        torch.testing.assert_close(
            short.logprobs(rollout), whole.logprobs(rollout), atol=1e-5, rtol=0
        )

    def test_a_clip_beyond_the_window_is_cut_to_its_tokens(self, policy, batch):
        assert policy.window == 0.96
        one = part(batch, slice(1))
        long = torch.randn(40_000, generator=torch.Generator().manual_seed(0))
        ways = [replace(one, waveforms=(wave,)) for wave in (long, long[:15_360])]
        encoded = [policy.encode(way).inputs for way in ways]
        for name, value in encoded[0].items():
            assert torch.equal(value, encoded[1][name]), name

    def test_windows_are_shorter_than_prompts_so_that_they_matter(self, policy, batch):
        window = policy.base.config.text_config.sliding_window
        assert policy.encode(batch).mask.sum(-1).min() > window
