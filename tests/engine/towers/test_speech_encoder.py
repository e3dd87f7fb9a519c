"""Speech encoders, pooled by layer, against transformers' own calls."""

import numpy as np
import pytest
import torch

from emolit.engine.frozen_model import Sound
from emolit.engine.towers.speech_encoder import SpeechEncoder
from emolit.errors import PolicyError

SIZES = {"d_model": 8, "encoder_layers": 2, "encoder_attention_heads": 2, "encoder_ffn_dim": 16}
OTHERS = {"decoder_layers": 1, "decoder_attention_heads": 2, "decoder_ffn_dim": 16}
WIDE = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
CONVOLUTIONS = {"conv_dim": (8, 8), "conv_kernel": (10, 8), "conv_stride": (5, 4)}
POSITIONS = {"num_conv_pos_embeddings": 4, "num_conv_pos_embedding_groups": 2}


@pytest.fixture(scope="module")
def waveform():
    return 0.3 * torch.randn(5_000, generator=torch.Generator().manual_seed(0))


def whisper(folder, kind):
    """Write a tiny Whisper of 2 s; its weights are as large as to matter."""
    import transformers
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    config = transformers.WhisperConfig(
        **SIZES, **OTHERS, num_mel_bins=20, max_source_positions=100, vocab_size=30,
        pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
    )  # fmt: skip
    torch.manual_seed(0)
    model = WhisperEncoder(config) if kind is None else getattr(transformers, kind)(config)
    model.save_pretrained(folder)
    transformers.WhisperFeatureExtractor(feature_size=20, chunk_length=2).save_pretrained(folder)
    return model.eval()


@pytest.mark.parametrize("kind", [None, "WhisperModel", "WhisperForConditionalGeneration"])
def test_whisper_hears_the_clip_as_an_encoder_of_just_its_length_does(tmp_path, waveform, kind):
    import transformers
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    whole = whisper(tmp_path, kind)
    trained = whole if kind is None else whole.get_encoder()
    frames = 32  # 5,000 samples are 31.25 hops of 160; an even number
    config = transformers.WhisperConfig(**{**trained.config.to_dict(), "max_source_positions": 16})
    short = WhisperEncoder(config).eval()
    weights = trained.state_dict()
    weights["embed_positions.weight"] = weights["embed_positions.weight"][:16]
    short.load_state_dict(weights)
    reader = transformers.WhisperFeatureExtractor.from_pretrained(tmp_path)
    mel = reader(waveform.numpy(), sampling_rate=16_000, return_tensors="pt").input_features
    with torch.no_grad():
        states = short(mel[..., :frames], output_hidden_states=True).hidden_states
    expected = [np.r_[s[0].numpy().mean(0), s[0].numpy().std(0)] for s in states]
    encoder = SpeechEncoder(str(tmp_path))
    found = encoder.encode([Sound(waveform, 16_000)])
    torch.testing.assert_close(found, torch.tensor(np.stack(expected))[None], atol=1e-5, rtol=0)
    assert (encoder.layers, encoder.width, encoder.window) == (3, 16, 2.0)


@pytest.mark.parametrize(
    ("family", "head"),
    [("Wav2Vec2", "Model"), ("Wav2Vec2", "ForCTC"), ("Hubert", "Model"), ("WavLM", "Model")],
)
def test_encoders_of_waveforms_hear_each_clip_alone(tmp_path, waveform, family, head):
    import transformers

    config = getattr(transformers, f"{family}Config")(
        **WIDE, **CONVOLUTIONS, **POSITIONS, vocab_size=30, num_feat_extract_layers=2
    )
    torch.manual_seed(0)
    model = getattr(transformers, f"{family}{head}")(config).eval()
    model.save_pretrained(tmp_path)
    transformers.Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(tmp_path)
    clips = [waveform, waveform[:3_000]]
    found = SpeechEncoder(str(tmp_path), "mean").encode([Sound(clip, 16_000) for clip in clips])
    for clip, vectors in zip(clips, found, strict=True):
        plain = (clip - clip.mean()) / (clip.var(correction=0) + 1e-7).sqrt()
        with torch.no_grad():
            states = model(plain[None], output_hidden_states=True).hidden_states
        expected = torch.stack([state[0].mean(0) for state in states])
        torch.testing.assert_close(vectors, expected, atol=1e-5, rtol=0)


def test_another_rate_is_resampled_and_a_blip_is_padded(tmp_path, waveform):
    whisper(tmp_path, None)
    encoder = SpeechEncoder(str(tmp_path), "mean")
    assert encoder.encode([Sound(waveform, 8_000)]).shape == (1, 3, 8)
    assert encoder.encode([Sound(waveform[:10], 16_000)]).isfinite().all()


def test_what_is_no_model_is_told(tmp_path):
    with pytest.raises(PolicyError, match="No model loads from the checkpoint"):
        _ = SpeechEncoder(str(tmp_path)).model
