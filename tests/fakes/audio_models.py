"""Tiny random models of transformers that hear, each with its own processor, a function a type."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.fakes.models import random_model, save, tokenizer, turns


def text_config(words: Any, kind: str, **more: object) -> dict[str, Any]:
    """Return the settings of a tiny decoder for a tokenizer."""
    return {
        "model_type": kind,
        "vocab_size": len(words) + 5,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 8,
        "max_position_embeddings": 2048,
        "pad_token_id": words.pad_token_id,
        "eos_token_id": words.eos_token_id,
        "bos_token_id": None,
        **more,
    }


TOWER = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
WHISPER = {**TOWER, "num_mel_bins": 20}
"""A tower of Whisper's making."""


def glmasr(folder: Path) -> Path:
    import transformers as t

    words = tokenizer(("<|pad|>",), turns("<|pad|>"))
    config = t.GlmAsrConfig(
        audio_config={**WHISPER, "max_position_embeddings": 100},
        text_config=text_config(words, "llama"),
        audio_token_id=words.convert_tokens_to_ids("<|pad|>"),
    )
    model = random_model(t.GlmAsrForConditionalGeneration, config, words.eos_token_id)
    extractor = t.WhisperFeatureExtractor(feature_size=20, chunk_length=1)
    processor = t.GlmAsrProcessor(extractor, words, words.chat_template, max_audio_len=3)
    return save(folder, model, processor)


def musicflamingo(folder: Path) -> Path:
    import transformers as t

    sound = ("<sound>", "<|sound_bos|>", "<|sound_eos|>")
    words = tokenizer(sound, turns("<sound>"))
    ids = words.convert_tokens_to_ids(list(sound))
    config = t.MusicFlamingoConfig(
        audio_config={
            "model_type": "audioflamingo3_encoder",
            **WHISPER,
            "max_source_positions": 50,
        },
        text_config=text_config(words, "qwen2"),
        audio_token_id=ids[0],
        audio_bos_token_id=ids[1],
        audio_eos_token_id=ids[2],
    )
    model = random_model(t.MusicFlamingoForConditionalGeneration, config, words.eos_token_id)
    extractor = t.WhisperFeatureExtractor(feature_size=20, chunk_length=1)
    processor = t.MusicFlamingoProcessor(extractor, words, words.chat_template, max_audio_len=3)
    return save(folder, model, processor)


def qwen3_asr(folder: Path) -> Path:
    import transformers as t

    names = {
        "audio_token": "<|audio_pad|>",
        "audio_bos_token": "<|audio_start|>",
        "audio_eos_token": "<|audio_end|>",
    }
    marked = "<|audio_start|><|audio_pad|><|audio_end|>"
    words = tokenizer(tuple(names.values()), turns(marked), names)
    config = t.Qwen3ASRConfig(
        audio_config={
            "num_mel_bins": 20,
            "encoder_layers": 1,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 32,
            "d_model": 16,
            "output_dim": 16,
            "downsample_hidden_size": 4,
        },
        text_config=text_config(words, "qwen3"),
        audio_token_id=words.convert_tokens_to_ids("<|audio_pad|>"),
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
    )
    model = random_model(t.Qwen3ASRForConditionalGeneration, config, words.eos_token_id)
    extractor = t.Qwen3ASRFeatureExtractor(feature_size=20)
    return save(folder, model, t.Qwen3ASRProcessor(extractor, words, words.chat_template))


def fun_asr_nano(folder: Path) -> Path:
    import transformers as t

    words = tokenizer(("<|object_ref_start|>",), turns("<|object_ref_start|>"))
    layers = {"num_attention_heads": 2, "hidden_size": 16}
    config = t.FunAsrNanoConfig(
        audio_config={
            **layers,
            "num_mel_bins": 20,
            "intermediate_size": 32,
            "num_hidden_layers": 3,
            "num_timestamp_prediction_layers": 1,
        },
        adaptor_config={
            **layers,
            "intermediate_size": 4,
            "num_hidden_layers": 1,
            "projector_hidden_size": 16,
        },
        text_config=text_config(words, "qwen3"),
        audio_token_id=words.convert_tokens_to_ids("<|object_ref_start|>"),
    )
    model = random_model(t.FunAsrNanoForConditionalGeneration, config, words.eos_token_id)
    extractor = t.FunAsrNanoFeatureExtractor(feature_size=20)
    return save(folder, model, t.FunAsrNanoProcessor(extractor, words, words.chat_template))


def moss_transcribe_diarize(folder: Path) -> Path:
    import transformers as t

    sound = ("<|audio_pad|>", "<|audio_start|>", "<|audio_end|>")
    words = tokenizer(sound, turns("<|audio_start|><|audio_pad|><|audio_end|>"))
    config = t.MossTranscribeDiarizeConfig(
        audio_config={**WHISPER, "max_source_positions": 50},
        text_config=text_config(words, "qwen3"),
        audio_token_id=words.convert_tokens_to_ids("<|audio_pad|>"),
        audio_chunk_size=16_000,
    )
    model = random_model(
        t.MossTranscribeDiarizeForConditionalGeneration, config, words.eos_token_id
    )
    extractor = t.MossTranscribeDiarizeFeatureExtractor(feature_size=20, chunk_length=1)
    processor = t.MossTranscribeDiarizeProcessor(extractor, words, words.chat_template)
    return save(folder, model, processor)


def omniasr(folder: Path) -> Path:
    import transformers as t

    words = tokenizer(("<extra_id_1>",), turns("<extra_id_1>"))
    shape = {"conv_kernel": [10, 3, 3, 3, 3], "conv_stride": [5, 4, 4, 2, 2]}
    config = t.OmniASRConfig(
        audio_config={
            "hidden_size": 16,
            "conv_dim": [8] * 5,
            "num_attention_heads": 2,
            "num_hidden_layers": 1,
            "num_conv_pos_embeddings": 4,
            "num_conv_pos_embedding_groups": 2,
            "intermediate_size": 32,
            **shape,
        },
        text_config=text_config(words, "llama"),
        audio_token_id=words.convert_tokens_to_ids("<extra_id_1>"),
        bos_token_id=None,
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
    )
    model = random_model(t.OmniASRForConditionalGeneration, config, words.eos_token_id)
    processor = t.OmniASRProcessor(t.OmniASRFeatureExtractor(), words, words.chat_template, **shape)
    return save(folder, model, processor)


def vibevoice_asr(folder: Path) -> Path:
    import transformers as t

    sound = ("<|box_start|>", "<|object_ref_start|>", "<|object_ref_end|>")
    words = tokenizer(sound, turns("<|object_ref_start|><|box_start|><|object_ref_end|>"))
    ids = words.convert_tokens_to_ids(list(sound))
    encoder = {"num_filters": 4, "depths": [1] * 7, "ffn_expansion": 2}
    config = t.VibeVoiceAsrConfig(
        acoustic_tokenizer_encoder_config={**encoder, "hidden_size": 32},
        semantic_tokenizer_encoder_config={**encoder, "hidden_size": 32},
        text_config=text_config(words, "qwen2"),
        audio_token_id=ids[0],
        audio_bos_token_id=ids[1],
        audio_eos_token_id=ids[2],
    )
    model = random_model(t.VibeVoiceAsrForConditionalGeneration, config, words.eos_token_id)
    extractor = t.VibeVoiceAcousticTokenizerFeatureExtractor()
    return save(folder, model, t.VibeVoiceAsrProcessor(extractor, words, words.chat_template))


def granite_speech_plus(folder: Path) -> Path:
    import transformers as t

    words = tokenizer(("<|audio|>",), turns("<|audio|>"))
    config = t.GraniteSpeechPlusConfig(
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
            "cat_hidden_layers": [0],
        },
        projector_config={
            "model_type": "blip_2_qformer",
            "hidden_size": 16,
            "encoder_hidden_size": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 32,
            "cross_attention_frequency": 1,
        },
        text_config=text_config(words, "granite", tie_word_embeddings=False),
        audio_token_index=words.convert_tokens_to_ids("<|audio|>"),
        has_lora_adapter=False,
        tie_word_embeddings=False,
    )
    model = random_model(t.GraniteSpeechPlusForConditionalGeneration, config, words.eos_token_id)
    processor = t.GraniteSpeechProcessor(t.GraniteSpeechFeatureExtractor(), words)
    return save(folder, model, processor)


def gemma4(folder: Path, unified: bool = False) -> Path:
    import transformers as t

    names = {
        "bos_token": "<bos>",
        "audio_token": "<audio_soft_token>",
        "boa_token": "<start_of_audio>",
        "eoa_token": "<end_of_audio>",
    }
    words = tokenizer(tuple(names.values()), "<bos>" + turns(names["audio_token"]), names)
    kind = "Gemma4Unified" if unified else "Gemma4"
    text = text_config(words, "gemma4_unified_text" if unified else "gemma4_text")
    text |= {
        "num_hidden_layers": 4,
        "layer_types": ["sliding_attention", "full_attention"] * 2,
        "sliding_window": 8,
        "global_head_dim": 8,
        "bos_token_id": words.bos_token_id,
    }
    tower: dict[str, Any] = {"audio_embed_dim": 640}
    eyes: dict[str, Any] = {"mm_embed_dim": 8, "mm_posemb_size": 8, "output_proj_dims": 8}
    if not unified:
        eyes = {**TOWER, "head_dim": 8, "num_key_value_heads": 2, "position_embedding_size": 8}
        text |= {
            "vocab_size_per_layer_input": len(words),
            "hidden_size_per_layer_input": 4,
            "num_kv_shared_layers": 2,
        }
        tower = {
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "subsampling_conv_channels": [16, 4],
            "conv_kernel_size": 3,
            "output_proj_dims": 16,
        }
    config = getattr(t, f"{kind}Config")(
        text_config=text,
        audio_config=tower,
        vision_config=eyes,
        audio_token_id=words.convert_tokens_to_ids(names["audio_token"]),
        boa_token_id=words.convert_tokens_to_ids(names["boa_token"]),
        eoa_token_index=words.convert_tokens_to_ids(names["eoa_token"]),
        image_token_id=len(words) + 1,
        video_token_id=len(words) + 2,
    )
    model = random_model(getattr(t, f"{kind}ForConditionalGeneration"), config, words.eos_token_id)
    extractor = getattr(t, f"{kind}AudioFeatureExtractor")(feature_size=640 if unified else 16)
    return save(folder, model, words, extractor)


def gemma4_unified(folder: Path) -> Path:
    return gemma4(folder, unified=True)


def apertus1p5(folder: Path) -> Path:
    import transformers as t

    names = {
        "audio_token": "<|audio|>",
        "boa_token": "<|audio_start|>",
        "eoa_token": "<|audio_end|>",
    }
    words = tokenizer(tuple(names.values()), turns(names["audio_token"]), names)
    start, codes = len(words) + 3, 16
    text = text_config(words, "apertus1p5_text", vocab_size=start + 2 * codes)
    text["rope_parameters"] = {"rope_type": "default", "rope_theta": 10_000.0}
    text.pop("head_dim")
    config = t.Apertus1p5Config(
        text_config=text,
        vision_config={
            "codebook_size": codes,
            "embed_dim": 4,
            "latent_channels": 4,
            "base_channels": 32,
            "channel_multiplier": [1, 1],
            "num_res_blocks": 1,
            "attn_resolutions": [],
        },
        audio_config={
            "model_type": "wavtokenizer_encoder",
            "num_filters": 2,
            "num_lstm_layers": 1,
            "hidden_size": 8,
            "codebook_size": codes,
            "codebook_dim": 8,
        },
        image_token_id=len(words) + 1,
        audio_token_id=words.convert_tokens_to_ids(names["audio_token"]),
        image_token_offset=start,
        audio_token_offset=start + codes,
    )
    model = random_model(t.Apertus1p5ForConditionalGeneration, config, words.eos_token_id)
    tokenizer_of_sound = model.model.audio_tokenizer.eval()
    noise = torch.randn(1, 1, 600 * codes, generator=torch.Generator().manual_seed(0))
    for name, codebook in tokenizer_of_sound.named_buffers():
        if name.endswith("codebook.embed"):  # no weight, and 0 throughout
            codebook.copy_(tokenizer_of_sound.encoder(0.1 * noise)[0].T)
    return save(folder, model, words, t.WavTokenizerFeatureExtractor())


MAKERS = {
    make.__name__: make
    for make in (
        apertus1p5,
        fun_asr_nano,
        gemma4,
        gemma4_unified,
        glmasr,
        granite_speech_plus,
        moss_transcribe_diarize,
        musicflamingo,
        omniasr,
        qwen3_asr,
        vibevoice_asr,
    )
}
"""What writes a tiny model of a type into a folder."""


def write(kind: str, folder: Path) -> Path:
    """Write a tiny model of a type, or skip where the installed transformers has no such type."""
    import transformers

    if kind not in transformers.CONFIG_MAPPING:
        pytest.skip(f"transformers {transformers.__version__} has no {kind}")
    return MAKERS[kind](folder)
