"""Tiny audio language models with random weights, in folders that look like released ones."""

from importlib import resources
from pathlib import Path

import torch

from emolit.policies.nano import TAGS

ENDS = ("<|endoftext|>", "<|im_end|>")
"""Padding and the end of a turn."""


def tokenizer(audio: tuple[str, ...], template: str, named: dict[str, str] | None = None):
    """Train a byte-pair tokenizer on text in the package.

    Args:
        audio: Placeholders and their like.
        template: Of chats, in jinja.
        named: Attributes of the tokenizer that name some of them, such as ``audio_token``.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    text = resources.files("emolit").joinpath("assets/nano/text.txt").read_text(encoding="utf-8")
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    inner.train_from_iterator(
        text.splitlines(),
        trainers.BpeTrainer(
            vocab_size=300 + len(audio),
            special_tokens=[*ENDS, *audio],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    inner.add_tokens(list(TAGS))
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        eos_token=ENDS[1],
        pad_token=ENDS[0],
        padding_side="left",
        extra_special_tokens=named or list(audio),
        chat_template=template,
    )


def turns(audio: str, video: str = "") -> str:
    """Return a chat template in which a clip is one string, and its pictures another."""
    return (
        "{% for message in messages %}{{ message['role'] + '\n' }}"
        "{% for part in message['content'] %}"
        "{% if part['type'] == 'audio' %}"
        + audio
        + "{% elif part['type'] == 'video' %}"
        + video
        + "{% else %}{{ part['text'] }}{% endif %}"
        "{% endfor %}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}assistant\n{% endif %}"
    )


def random_model(model_class, config, eos: int | None):
    """Make a model whose random weights are large enough for each of its parts to matter."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = model_class(config)
        with torch.no_grad():
            for weight in model.parameters():
                if weight.dim() > 1:
                    weight.normal_(0, (weight.numel() / weight.shape[0]) ** -0.5)
                else:  # a bias of 0 would hide padding that leaks
                    weight.add_(torch.randn(weight.shape), alpha=0.1)
    if model.can_generate():
        model.generation_config.eos_token_id = eos
    return model


def save(folder: Path, *parts) -> Path:
    """Save model, tokenizer, feature extractor or processor to one folder."""
    for part in parts:
        part.save_pretrained(folder)
    return folder


def reader(folder: Path, width: int = 16, heads: int = 2) -> Path:
    """Save a tiny causal language model with a chat template that takes text only."""
    from transformers import LlamaConfig, LlamaForCausalLM

    template = (
        "{% for message in messages %}{{ message['role'] + '\n' + message['content'] }}<|im_end|>\n"
        "{% endfor %}{% if add_generation_prompt %}assistant\n{% endif %}"
    )
    words = tokenizer((), template)
    config = LlamaConfig(
        vocab_size=len(words) + 3,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=heads,
        num_key_value_heads=1,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
    )
    return save(folder, random_model(LlamaForCausalLM, config, words.eos_token_id), words)


def text_model(folder: Path, auto_class: str, **settings) -> Path:
    """Save a tiny BERT with its tokenizer; settings go into its configuration."""
    import transformers

    reader = tokenizer((), "")
    reader.model_max_length = 32
    config = transformers.BertConfig(
        vocab_size=len(reader),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
        **settings,
    )
    factory = getattr(transformers, auto_class)._model_mapping[type(config)]
    return save(folder, random_model(factory, config, None), reader)


def audio_classifier(folder: Path, **settings) -> Path:
    """Save a tiny wav2vec 2.0 with a classifier and its feature extractor."""
    from transformers import (
        Wav2Vec2Config,
        Wav2Vec2FeatureExtractor,
        Wav2Vec2ForSequenceClassification,
    )

    config = Wav2Vec2Config(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        conv_dim=(8, 8),
        conv_kernel=(10, 3),
        conv_stride=(5, 2),
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
        num_feat_extract_layers=2,
        classifier_proj_size=8,
        **settings,
    )
    model = random_model(Wav2Vec2ForSequenceClassification, config, None)
    return save(folder, model, Wav2Vec2FeatureExtractor())
