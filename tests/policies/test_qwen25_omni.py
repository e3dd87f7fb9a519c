"""Qwen2.5-Omni at a tiny size, and loaded from a folder that holds the talker too."""

import json
from dataclasses import replace

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from emolit.engine.inputs.encoding import pad_waveforms
from emolit.engine.scoring.logprobs import packed_logprobs, plain_logprobs
from emolit.errors import PolicyError
from emolit.policies.qwen25_omni import Qwen25Omni
from emolit.rl.groups import clips_of
from tests.fakes.models import random_model, save, tokenizer, turns
from tests.policies.contract import SAMPLING, Contract, check_gradients

NAMED = {
    "image_token": "<|IMAGE|>",
    "audio_token": "<|AUDIO|>",
    "video_token": "<|VIDEO|>",
    "audio_bos_token": "<|audio_bos|>",
    "audio_eos_token": "<|audio_eos|>",
    "vision_bos_token": "<|vision_bos|>",
    "vision_eos_token": "<|vision_eos|>",
}


def tiny_config(ids, size, module):
    """Return the config of a thinker, given token ids and the classes' common name."""
    return module(
        audio_config={
            "num_mel_bins": 20,
            "d_model": 16,
            "encoder_layers": 1,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 32,
            "max_source_positions": 100,
            "output_dim": 16,
            "n_window": 20,
            **size.get("audio", {}),
        },
        vision_config={
            "depth": 1,
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_heads": 2,
            "out_hidden_size": 16,
            **size.get("vision", {}),
        },
        text_config={
            "vocab_size": size["vocabulary"],
            "hidden_size": 16,
            "intermediate_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "max_position_embeddings": 512,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10_000.0,
                "mrope_section": [2, 1, 1],
            },
            "tie_word_embeddings": False,
            "pad_token_id": ids["<|endoftext|>"],
            "eos_token_id": ids["<|im_end|>"],
            **size.get("text", {}),
        },
        audio_start_token_id=ids["<|audio_bos|>"],
        vision_start_token_id=ids["<|vision_bos|>"],
        vision_end_token_id=ids["<|vision_eos|>"],
        **size.get("tokens", {}),
    )


class TestQwen25Omni(Contract):
    kind = Qwen25Omni
    placeholders = tuple(NAMED.values())

    @classmethod
    def write(cls, folder):
        from transformers import (
            Qwen2_5OmniThinkerConfig,
            Qwen2_5OmniThinkerForConditionalGeneration,
            WhisperFeatureExtractor,
        )

        spoken = "<|audio_bos|><|AUDIO|><|audio_eos|>"
        pictured = "<|vision_bos|><|VIDEO|><|vision_eos|>"
        words = tokenizer(tuple(NAMED.values()), turns(spoken, pictured), NAMED)
        ids = words.get_vocab()
        tokens = {
            "audio_token_index": ids["<|AUDIO|>"],
            "image_token_index": ids["<|IMAGE|>"],
            "video_token_index": ids["<|VIDEO|>"],
            "audio_end_token_id": ids["<|audio_eos|>"],
        }
        size = {
            "vocabulary": len(words) + 5,
            "tokens": tokens,
            "vision": {"fullatt_block_indexes": [0], "patch_size": 4},
        }
        config = tiny_config(ids, size, Qwen2_5OmniThinkerConfig)
        model = random_model(Qwen2_5OmniThinkerForConditionalGeneration, config, words.eos_token_id)
        return save(folder, model, words, WhisperFeatureExtractor(feature_size=20, chunk_length=1))

    def test_inputs_are_those_of_the_real_processor(self, policy, batch, monkeypatch):
        from transformers import Qwen2_5OmniProcessor

        check_processor(policy, batch, monkeypatch, Qwen2_5OmniProcessor)

    def test_pictures_and_audio_are_what_the_real_processor_makes(self, policy, batch, monkeypatch):
        check_seeing(policy, seen(batch), monkeypatch)

    def test_pictures_stand_in_time_and_text_follows_them(self, policy, batch):
        check_times(policy, seen(batch))

    def test_a_seen_batch_scores_like_its_clips_one_by_one(self, policy, batch):
        batch = seen(batch)
        rollout = policy.sample(batch, 2, SAMPLING, seed=0, step=0)
        logprobs = policy.logprobs(rollout)
        for i in (0, 3):
            alone = clips_of(batch, [i])
            drawn = policy.sample(alone, 2, SAMPLING, seed=0, step=0)
            assert drawn.responses[0] == rollout.responses[i]
            length = drawn.tokens.shape[2]
            torch.testing.assert_close(
                policy.logprobs(drawn)[0], logprobs[i, :, :length], atol=1e-5, rtol=0
            )

    def test_other_pictures_change_their_own_log_probabilities_only(self, policy, batch):
        batch = seen(batch)
        rollout = policy.sample(batch, 2, SAMPLING, seed=0, step=0)
        before = policy.logprobs(rollout)
        frames = (255 - batch.frames[0], *batch.frames[1:])
        after = policy.logprobs(replace(rollout, batch=replace(batch, frames=frames)))
        assert (before[0] - after[0]).abs().max() > 1e-4
        torch.testing.assert_close(after[1:], before[1:], atol=1e-5, rtol=0)
        heard_only = policy.logprobs(replace(rollout, batch=replace(batch, frames=())))
        assert (before - heard_only).abs().max() > 1e-4

    def test_whole_rows_and_packed_rows_see_the_same(self, policy, batch):
        batch = seen(batch)
        rollout = policy.sample(batch, 3, SAMPLING, seed=0, step=0)
        model, encoded = policy.language_model(), policy.encode(batch)
        truth = plain_logprobs(model, policy.encode(batch, 3), rollout)
        for found in (policy.logprobs(rollout), packed_logprobs(model, encoded, rollout)):
            torch.testing.assert_close(found, truth, atol=1e-5, rtol=0)

    def test_the_tower_that_sees_learns(self, folder, batch):
        policy = self.kind(str(folder))
        policy.pictured = True
        policy.build(reference=False, seed=0)
        check_gradients(policy, seen(batch))
        assert policy.base.get_submodule("model.visual").blocks[0].attn.proj.weight.grad.norm() > 0

    def test_what_sees_trains_with_pictures_made_by_hand(self, folder, batch, monkeypatch):
        """As above where no library makes pictures: two steps in time, each of one token."""
        policy = self.kind(str(folder))
        policy.pictured = True
        policy.build(reference=False, seed=0)
        pixels = torch.randn(5 * 8, 3 * 2 * 4 * 4, generator=torch.Generator().manual_seed(0))
        pictures = {
            "pixel_values_videos": pixels,
            "video_grid_thw": torch.tensor([[2, 2, 2]] * 5),
            "video_second_per_grid": torch.ones(5),
        }
        monkeypatch.setattr(
            policy,
            "see",
            lambda texts, _: (
                [text.replace("<|VIDEO|>", "<|VIDEO|><|VIDEO|>") for text in texts],
                pictures,
            ),
        )
        shown = tuple(torch.zeros(4, 3, 8, 8, dtype=torch.uint8) for _ in batch.clips)
        check_gradients(policy, replace(batch, frames=shown))

    def test_positions_have_three_axes_and_count_from_the_first_token(self, policy, batch):
        check_positions(policy, batch)

    def test_the_thinker_loads_from_a_folder_with_a_talker(self, folder, policy, batch, tmp_path):
        from transformers import Qwen2_5OmniConfig

        whole = release(folder, tmp_path, Qwen2_5OmniConfig, "token2wav.x")
        rollout = policy.encode_targets(batch)
        again = self.built(whole)
        assert torch.equal(again.logprobs(rollout), policy.logprobs(rollout))
        strange = release(folder, tmp_path, Qwen2_5OmniConfig, "thinker.model.x")
        with pytest.raises(PolicyError, match="unexpected keys"):
            self.built(strange)


def check_processor(policy, batch, monkeypatch, processor_class):
    """Compare with the processor of transformers, put together without its seeing half."""
    if tuple(map(int, transformers.__version__.split(".")[:2])) < (5, 23):
        pytest.skip("processors before transformers 5.23 do not run without their seeing half")
    monkeypatch.setattr(processor_class, "check_argument_for_proper_class", lambda *_: None)
    own = policy.processor
    real = processor_class(None, None, own.feature_extractor, own.tokenizer)
    texts = [
        own.apply_chat_template(policy.conversation(q), add_generation_prompt=True, tokenize=False)
        for q in batch.questions
    ]
    waveforms = pad_waveforms(batch, 16_000, policy.shortest)
    expected = real(
        text=texts, audio=waveforms, sampling_rate=16_000, return_tensors="pt", padding=True
    )
    found = policy.process(texts, waveforms, 16_000)
    assert set(found) == set(expected)
    for name, value in found.items():
        longer = expected[name][..., : value.shape[-1]]
        assert torch.equal(value, longer.to(value.dtype)), name
    assert torch.equal(
        found["feature_attention_mask"].sum(-1), expected["feature_attention_mask"].sum(-1)
    )


def seen(batch):
    """Give every clip four pictures of noise, all but the first smaller."""
    pytest.importorskip("torchvision", reason="needs torchvision: pip install 'emolit[frames]'")
    pytest.importorskip("PIL", reason="needs Pillow: pip install 'emolit[frames]'")
    generator = torch.Generator().manual_seed(0)
    sizes = [(96, 64), *[(48, 64)] * (len(batch) - 1)]
    frames = tuple(
        torch.randint(0, 256, (4, 3, *size), generator=generator, dtype=torch.uint8)
        for size in sizes
    )
    return replace(batch, frames=frames)


def check_seeing(policy, batch, monkeypatch):
    """Compare with the processor of transformers, put together without its half for images."""
    from transformers import Qwen2_5OmniProcessor, Qwen2VLVideoProcessor

    if tuple(map(int, transformers.__version__.split(".")[:2])) < (5, 23):
        pytest.skip("processors before transformers 5.23 do not run without images")
    monkeypatch.setattr(Qwen2_5OmniProcessor, "check_argument_for_proper_class", lambda *_: None)
    own = policy.processor
    video = Qwen2VLVideoProcessor(patch_size=4, cap_pixels_per_frame=False)
    real = Qwen2_5OmniProcessor(None, video, own.feature_extractor, own.tokenizer)
    bounds = {"shortest_edge": 128 * 8 * 8, "longest_edge": 768 * 8 * 8}  # in patches of 4 * 2
    expected = real(
        text=[policy.render(question, True) for question in batch.questions],
        audio=pad_waveforms(batch, 16_000, policy.shortest),
        videos=list(batch.frames),
        sampling_rate=16_000,
        return_tensors="pt",
        padding=True,
        videos_kwargs={"size": bounds, "fps": 8.0},
    )
    found = policy.read(batch)
    assert set(found) == set(expected)
    for name in set(found) - {"video_second_per_grid"}:
        longer = expected[name][..., : found[name].shape[-1]]
        assert torch.equal(found[name], longer.to(found[name].dtype)), name
    seconds = torch.tensor([len(waveform) / 16_000 for waveform in batch.waveforms])
    torch.testing.assert_close(found["video_second_per_grid"], seconds / 2)  # two pairs each


def check_times(policy, batch):
    """Worked out from the paper, section 2.2: 25 positions a second, a pair of pictures a step."""
    inputs = policy.read(batch)
    where = policy.positions(inputs)
    for row, (ids, waveform) in enumerate(zip(inputs["input_ids"], batch.waveforms, strict=True)):
        video = ids == policy.processor.tokenizer.video_token_id
        pair, height, width = inputs["video_grid_thw"][row].tolist()
        assert (pair, int(video.sum())) == (2, 2 * height * width // 4)
        time, down, right = where[:, row, video] - where[:, row, video][:, :1]
        step = int(25 * len(waveform) / 16_000 / 2)
        assert sorted(set(time.tolist())) == [0, step]
        assert int(down.max()) == height // 2 - 1 and int(right.max()) == width // 2 - 1
        behind = where[:, row, int(video.nonzero()[-1]) + 1]
        assert set(behind.tolist()) == {int(where[:, row, video].max()) + 1}
    encoded = policy.encode(batch)
    assert torch.equal(encoded.next_position, encoded.positions.amax((0, 2)) + 1)


def check_positions(policy, batch):
    """Without pictures all three axes count real tokens from 0, as the last one must."""
    encoded = policy.encode(batch)
    assert encoded.positions.shape == (3, *encoded.mask.shape)
    counted = encoded.mask.cumsum(-1) - 1
    for axis in encoded.positions:
        assert torch.equal(axis[encoded.mask], counted[encoded.mask])
    assert torch.equal(encoded.next_position, encoded.mask.sum(-1))
    rollout = policy.sample(batch, 2, SAMPLING, seed=0, step=0)
    expected = policy.logprobs(rollout)
    policy.base.model.rope_deltas = torch.full((len(batch), 1), 99)  # what the module remembers
    torch.testing.assert_close(policy.logprobs(rollout), expected, atol=1e-5, rtol=0)


def release(folder, target, config_class, foreign):
    """Write a folder like a released one: old names below `thinker.`, other models beside."""
    target = target / f"with-{foreign}"
    target.mkdir()
    for path in folder.iterdir():
        if path.name not in {"model.safetensors", "config.json", "generation_config.json"}:
            (target / path.name).write_bytes(path.read_bytes())
    weights = load_file(folder / "model.safetensors")  # transformers saves the old names
    assert "model.layers.0.self_attn.q_proj.weight" in weights
    weights = {f"thinker.{name}": value for name, value in weights.items()}
    weights |= {"talker.model.norm.weight": torch.ones(3), foreign: torch.ones(3)}
    save_file(weights, target / "model.safetensors", metadata={"format": "pt"})
    config = config_class().to_dict()
    config["thinker_config"] = json.loads((folder / "config.json").read_text())
    (target / "config.json").write_text(json.dumps(config))
    return target
