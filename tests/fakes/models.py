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


def turns(audio: str) -> str:
    """Return a chat template in which a clip is one string."""
    return (
        "{% for message in messages %}{{ message['role'] + '\n' }}"
        "{% for part in message['content'] %}"
        "{% if part['type'] == 'audio' %}" + audio + "{% else %}{{ part['text'] }}{% endif %}"
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
    model.generation_config.eos_token_id = eos
    return model


def save(folder: Path, *parts) -> Path:
    """Save model, tokenizer, feature extractor or processor to one folder."""
    for part in parts:
        part.save_pretrained(folder)
    return folder
