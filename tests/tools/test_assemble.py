"""An assembled model hears like its encoder and speaks like its language model."""

import json
import sys

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForMultimodalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    WhisperConfig,
    WhisperModel,
)
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from emolit.engine.weights.adapters import Lora
from emolit.policies.qwen2_audio import Qwen2Audio
from emolit.policies.text_only import TextOnly
from emolit.types import Sampling
from tools import assemble

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture(scope="module")
def language(tmp_path_factory):
    """A random Llama with tied embeddings and a chat template that takes text only."""
    folder = tmp_path_factory.mktemp("llama")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=280, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(["which emotion is it"], trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|im_end|>"
    )
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    config = LlamaConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        vocab_size=len(fast), tie_word_embeddings=True, eos_token_id=fast.eos_token_id,
        pad_token_id=fast.pad_token_id, bos_token_id=None,
    )  # fmt: skip
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=["encoder alone", "whole Whisper"])
def encoder(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whisper")
    config = WhisperConfig(
        d_model=8, encoder_layers=3, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, num_mel_bins=20,
        max_source_positions=1500, vocab_size=50, pad_token_id=0, bos_token_id=1, eos_token_id=2,
        decoder_start_token_id=1,
    )  # fmt: skip
    torch.manual_seed(1)
    kind = WhisperEncoder if request.param == "encoder alone" else WhisperModel
    kind(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def assembled(encoder, language, tmp_path_factory):
    out = tmp_path_factory.mktemp("assembled") / "model"
    arguments = ["--encoder", encoder, "--language-model", language, "--out", out]
    before = sys.argv
    sys.argv = ["assemble.py", *map(str, arguments), "--seconds", "1", "--layers", "2"]
    try:
        assemble.main()
    finally:
        sys.argv = before
    return out


def test_it_hears_what_its_encoder_hears(encoder, assembled):
    """The encoder is compared before Qwen2-Audio's pooling, on the frames that both see."""
    _, weights = assemble.encoder_weights(str(encoder), None, 1500)
    whole = WhisperEncoder(WhisperConfig.from_pretrained(encoder)).eval()
    whole.load_state_dict(weights)
    tower = AutoModelForMultimodalLM.from_pretrained(assembled).eval().model.audio_tower
    heard = {}
    whole.layers[0].register_forward_hook(lambda _, given, out: heard.update(whole=given[0]))
    tower.layers[0].register_forward_hook(lambda _, given, out: heard.update(part=given[0]))
    mel = torch.randn(1, 20, 3000)
    with torch.no_grad():
        whole(mel)
        tower(mel[..., :100])
        assert torch.allclose(heard["whole"][:, :49], heard["part"][:, :49], atol=1e-6)
        state = heard["part"]
        for one, other in zip(whole.layers[:2], tower.layers, strict=True):
            results = [layer(state, attention_mask=None) for layer in (one, other)]
            first, second = (r[0] if isinstance(r, tuple) else r for r in results)
            torch.testing.assert_close(first, second)
    assert len(tower.layers) == 2


def test_it_speaks_as_its_language_model_speaks(language, assembled):
    ids = torch.tensor([[3, 40, 7, 100, 2]])
    with torch.no_grad():
        alone = LlamaForCausalLM.from_pretrained(language).eval()(input_ids=ids).logits
        model = AutoModelForMultimodalLM.from_pretrained(assembled).eval()
        together = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
    torch.testing.assert_close(together[..., : alone.shape[-1]], alone)


def test_it_opens_as_a_policy_and_trains(assembled, batch):
    lora = Lora(rank=2, targets=["q_proj", "v_proj"], train=["multi_modal_projector"])
    policy = Qwen2Audio(str(assembled), lora=lora, freeze=["audio_tower"])
    policy.build(reference=True, seed=0)
    assert policy.window == 1.0
    rollout = policy.sample(batch, 2, Sampling(max_tokens=4), seed=0, step=0)
    assert torch.equal(policy.reference_logprobs(rollout), policy.logprobs(rollout).detach())
    policy.logprobs(policy.encode_targets(batch)).sum().backward()
    grads = {name for name, weight in policy.named_parameters() if weight.grad is not None}
    assert any("multi_modal_projector" in name for name in grads)
    text = policy.processor.apply_chat_template(
        policy.conversation("Which?"), add_generation_prompt=True, tokenize=False
    )
    assert text == (
        "<|im_start|>user\n<|audio_bos|><|AUDIO|><|audio_eos|>Which?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_what_it_prints_says_how_large_each_part_is(assembled):
    config = json.loads((assembled / "config.json").read_text())
    assert config["audio_config"]["max_source_positions"] == 50
    with pytest.raises(SystemExit, match="is not empty"):
        sys_argv, sys.argv = sys.argv, [
            "assemble.py", "--encoder", "x", "--language-model", "y", "--out", str(assembled)
        ]  # fmt: skip
        try:
            assemble.main()
        finally:
            sys.argv = sys_argv


def test_a_shortened_language_model_is_the_front_of_the_whole_one(language, tmp_path):
    whole = LlamaForCausalLM.from_pretrained(language)
    short = assemble.shortened(LlamaForCausalLM.from_pretrained(language), 1)
    assert len(short.base_model.layers) == short.config.num_hidden_layers == 1
    tokens = torch.tensor([[3, 5, 7]])
    hidden = whole.model(tokens, output_hidden_states=True).hidden_states[1]
    torch.testing.assert_close(short.model(tokens).last_hidden_state, whole.model.norm(hidden))
    assert assemble.shortened(whole, None).config.num_hidden_layers == 2


def test_a_model_with_fewer_tokens_says_of_them_what_the_whole_one_does(language):
    whole = LlamaForCausalLM.from_pretrained(language)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(language)
    model = LlamaForCausalLM.from_pretrained(language)
    fewer = assemble.with_fewer_tokens(tokenizer, model, ["which emotion"])
    old, new = tokenizer.encode("which emotion"), fewer.encode("which emotion")
    assert len(fewer) == model.config.vocab_size < len(tokenizer)
    assert fewer.convert_ids_to_tokens(new) == tokenizer.convert_ids_to_tokens(old)
    kept = tokenizer.convert_tokens_to_ids(fewer.convert_ids_to_tokens(range(len(fewer))))
    torch.testing.assert_close(
        model(torch.tensor([new])).logits, whole(torch.tensor([old])).logits[..., kept]
    )
    assert fewer.convert_ids_to_tokens(model.config.eos_token_id) == "<|im_end|>"


def test_without_an_encoder_the_language_model_reads_alone(language, tmp_path, batch, monkeypatch):
    (tmp_path / "texts.txt").write_text("which emotion is it", "utf-8")
    arguments = ["--language-model", language, "--out", tmp_path / "model"]
    arguments += ["--language-layers", 1, "--texts", tmp_path / "texts.txt"]
    monkeypatch.setattr(sys, "argv", ["assemble.py", *map(str, arguments)])
    assemble.main()
    policy = TextOnly(str(tmp_path / "model"))
    policy.build(reference=False, seed=0)
    assert policy.model.config.num_hidden_layers == 1
    rollout = policy.sample(batch, 2, Sampling(max_tokens=4), seed=0, step=0)
    assert torch.isfinite(policy.logprobs(rollout)).all()
