"""Puts a Whisper encoder and a causal language model together into a small audio language model.

    python tools/assemble.py --encoder whisper-base --language-model SmolLM2-135M-Instruct --out DIR

The result is an ordinary folder of the Qwen2-Audio architecture (encoder, one new linear projector,
any causal language model with a chat template) that the policy ``Qwen2Audio`` opens. The projector
knows nothing yet: train it first, beside adapters of the language model:

    --model.init_args.policy.init_args.lora.train "[multi_modal_projector]"

Without ``--encoder`` the shortened language model stands alone, for the policy ``TextOnly``.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import torch
import vocabulary
from torch import Tensor

AUDIO = ("<|audio_bos|>", "<|AUDIO|>", "<|audio_eos|>")
FRAMES = 50
"""Encoder positions a second."""
FLATTEN = (
    "{%- set flat = namespace(messages=[]) -%}"
    "{%- for message in messages -%}{%- set text = namespace(all='') -%}"
    "{%- if message['content'] is string -%}{%- set text.all = message['content'] -%}"
    "{%- else -%}{%- for part in message['content'] -%}"
    "{%- if part['type'] == 'audio' -%}{%- set text.all = text.all + '" + "".join(AUDIO) + "' -%}"
    "{%- else -%}{%- set text.all = text.all + part['text'] -%}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}"
    "{%- set one = {'role': message['role'], 'content': text.all} -%}"
    "{%- set flat.messages = flat.messages + [one] -%}{%- endfor -%}"
    "{%- set messages = flat.messages -%}"
)
"""Turns contents in parts into text, before the language model's own template."""


def encoder_weights(
    source: str, layers: int | None, positions: int
) -> tuple[Any, dict[str, Tensor]]:
    """Return a Whisper config and the weights of its encoder, under the names of Qwen2-Audio.

    Args:
        source: A folder or hub id of an encoder alone or of a whole Whisper.
        layers: Keep so many from the front; None keeps all.
        positions: Keep so many from the front: 50 a second.
    """
    from transformers import WhisperConfig, WhisperModel
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    config = WhisperConfig.from_pretrained(source)
    alone = (config.architectures or [""])[0] == "WhisperEncoder"
    kind = WhisperEncoder if alone else WhisperModel
    model, info = kind.from_pretrained(source, dtype=torch.float32, output_loading_info=True)
    if info["missing_keys"]:
        raise SystemExit(
            f"{source} lacks weights of a Whisper encoder: {info['missing_keys'][:3]}."
        )
    weights = (model if alone else model.encoder).state_dict()
    config.encoder_layers = min(layers or config.encoder_layers, config.encoder_layers)
    kept = {
        name: value
        for name, value in weights.items()
        if not name.startswith("layers.") or int(name.split(".")[1]) < config.encoder_layers
    }
    kept["embed_positions.weight"] = kept["embed_positions.weight"][:positions]
    config.max_source_positions = len(kept["embed_positions.weight"])
    return config, kept


def with_fewer_tokens(tokenizer: Any, model: Any, texts: list[str]) -> Any:
    """Keep the tokens that texts need in a model, and return a tokenizer of these.

    Args:
        tokenizer: Of the language model.
        model: A causal language model; its embeddings and head lose rows.
        texts: Replies and questions; the chat template's own words are added.
    """
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    talk = [{"role": role, "content": " "} for role in ("user", "assistant")]
    template = tokenizer.apply_chat_template(talk, tokenize=False, add_generation_prompt=True)
    file, kept = vocabulary.shortened(tokenizer, [*texts, template])
    fewer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(file),
        **{name: getattr(tokenizer, name) for name in ("eos_token", "pad_token", "bos_token")},
    )
    fewer.chat_template = tokenizer.chat_template
    table, head = model.get_input_embeddings(), model.get_output_embeddings()
    rows, answers = table.weight.data[kept], head.weight.data[kept]
    table.weight = torch.nn.Parameter(rows)
    head.weight = table.weight if model.config.tie_word_embeddings else torch.nn.Parameter(answers)
    model.config.vocab_size = len(kept)
    places = {old: place for place, old in enumerate(kept)}
    for settings in (model.config, model.generation_config):
        for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
            setattr(settings, name, places.get(getattr(settings, name, None)))
    return fewer


def tokenizer_with_audio(tokenizer: Any, source: str) -> Any:
    """Give a language model's tokenizer audio tokens and a template that places them."""
    if not tokenizer.chat_template:
        raise SystemExit(f"{source} has no chat template; choose an instruction-tuned model.")
    tokenizer.add_special_tokens({"additional_special_tokens": list(AUDIO)})
    tokenizer.chat_template = FLATTEN + tokenizer.chat_template
    tokenizer.padding_side = "left"
    return tokenizer


def grown(table: Tensor, rows: int) -> Tensor:
    """Return an embedding with more rows; new ones are the mean, as new tokens know nothing."""
    missing = max(0, rows - len(table))
    return torch.cat([table, table.mean(0, keepdim=True).expand(missing, -1)])


def shortened(model: Any, layers: int | None) -> Any:
    """Keep so many layers of a causal language model from the front; None keeps all."""
    if layers is not None:
        stack = model.base_model.layers
        del stack[layers:]
        model.config.num_hidden_layers = len(stack)
    return model


def language_model(source: str, layers: int | None, texts: list[str] | None) -> tuple[Any, Any]:
    """Return a causal language model and its tokenizer, both shortened.

    Args:
        source: A folder or hub id.
        layers: Layers kept; None keeps all.
        texts: Keep only the tokens that these texts need; None keeps all.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    model = AutoModelForCausalLM.from_pretrained(
        source, dtype=torch.float32, trust_remote_code=False
    )
    model = shortened(model, layers)
    if texts is not None:
        tokenizer = with_fewer_tokens(tokenizer, model, texts)
    return model, tokenizer


def assemble(
    encoder: str,
    language: str,
    seconds: int,
    layers: int | None,
    seed: int,
    language_layers: int | None = None,
    texts: list[str] | None = None,
) -> tuple[Any, Any]:
    """Return the model and its processor.

    Args:
        encoder: Whisper, a folder or hub id.
        language: A causal language model, a folder or hub id.
        seconds: What it hears of a clip; longer windows cost more.
        layers: Encoder layers kept; None keeps all.
        seed: Of the projector.
        language_layers: Layers of the language model kept; None keeps all.
        texts: Keep only the tokens that these texts need; None keeps all.
    """
    from transformers import (
        Qwen2AudioConfig,
        Qwen2AudioForConditionalGeneration,
        Qwen2AudioProcessor,
        WhisperFeatureExtractor,
    )

    hears, tower = encoder_weights(encoder, layers, seconds * FRAMES)
    speaks, tokenizer = language_model(language, language_layers, texts)
    tokenizer = tokenizer_with_audio(tokenizer, language)
    text = speaks.config.to_dict() | {
        "vocab_size": max(len(tokenizer), speaks.config.vocab_size),
        "tie_word_embeddings": False,
    }
    names = ("num_mel_bins", "d_model", "encoder_layers", "encoder_attention_heads")
    names += ("encoder_ffn_dim", "activation_function", "max_source_positions", "scale_embedding")
    config = Qwen2AudioConfig(
        audio_config={name: getattr(hears, name) for name in names},
        text_config=text,
        audio_token_index=tokenizer.convert_tokens_to_ids(AUDIO[1]),
        tie_word_embeddings=False,
    )
    torch.manual_seed(seed)
    model = Qwen2AudioForConditionalGeneration(config)
    model.model.audio_tower.load_state_dict(tower)
    state = speaks.base_model.state_dict()
    rows = text["vocab_size"]
    state["embed_tokens.weight"] = grown(state["embed_tokens.weight"], rows)
    model.model.language_model.load_state_dict(state)
    with torch.no_grad():
        model.lm_head.weight.copy_(grown(speaks.get_output_embeddings().weight, rows))
    model.generation_config = speaks.generation_config
    extractor = WhisperFeatureExtractor(feature_size=hears.num_mel_bins, chunk_length=seconds)
    return model, Qwen2AudioProcessor(extractor, tokenizer, chat_template=tokenizer.chat_template)


def main() -> None:
    """Assemble, save, and say what came out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--encoder", help="Whisper: folder or hub id; none: text alone")
    parser.add_argument("--language-model", required=True, help="causal LM: folder or hub id")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=int, default=30, help="window; 5 is six times cheaper")
    parser.add_argument("--layers", type=int, help="encoder layers kept, from the front")
    parser.add_argument("--language-layers", type=int, help="of the LM kept, from the front")
    parser.add_argument("--texts", type=Path, nargs="+", help="files; keep the tokens they need")
    parser.add_argument("--seed", type=int, default=0, help="of the new projector")
    given = parser.parse_args()
    if given.out.exists() and any(given.out.iterdir()):
        raise SystemExit(f"The folder {given.out} is not empty; choose another --out.")
    texts = None if given.texts is None else [path.read_text("utf-8") for path in given.texts]
    if given.encoder is None:
        model, processor = language_model(given.language_model, given.language_layers, texts)
        parts = {"language_model": model}
    else:
        model, processor = assemble(
            given.encoder,
            given.language_model,
            given.seconds,
            given.layers,
            given.seed,
            given.language_layers,
            texts,
        )
        parts = dict(model.model.named_children()) | {"lm_head": model.lm_head}
    model.save_pretrained(given.out)
    processor.save_pretrained(given.out)
    sizes = {name: sum(p.numel() for p in part.parameters()) for name, part in parts.items()}
    print(json.dumps({"out": str(given.out), "seconds": given.seconds, "parameters": sizes}))


if __name__ == "__main__":
    main()
