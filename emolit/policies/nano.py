"""The Qwen2-Audio architecture at a tiny size, made offline, for demo, tests and students.

It is the real ``Qwen2AudioForConditionalGeneration`` with a real processor (Whisper feature
extractor, byte-pair tokenizer trained on text in the package), written once to a normal Hugging
Face folder and loaded back through the same path as the 7B model.
"""

import hashlib
import json
import shutil
import tempfile
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import torch

from emolit.compat.transformers import delay_bars, find_part, whisper_positions
from emolit.engine.weights.adapters import Lora
from emolit.files.modes import apply_umask
from emolit.policies.qwen2_audio import Qwen2Audio

VERSION = 1
"""Raised when the same sizes and seed would give other weights or another tokenizer."""
SPECIAL = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>",
    "<|audio_bos|>", "<|AUDIO|>", "<|audio_eos|>",
)  # fmt: skip


TAGS = tuple(
    f"<{slash}{tag}>"
    for tag in ("answer", "think", "content", "acoustics", "summary")
    for slash in ("", "/")
)
"""Tags of the prompts, one token each: a tiny model has no capacity to spell them."""


@dataclass(frozen=True)
class NanoSize:
    """Sizes of a tiny model.

    Attributes:
        seconds: Window of the audio tower; longer clips are cut to it.
        mels: Mel bins.
        tower_width: Of the audio tower.
        tower_layers: Of the audio tower.
        width: Of the language model.
        layers: Of the language model.
        heads: Attention heads of both.
        vocabulary: Tokens at most, special ones included; the tags of the prompts come on top.
    """

    seconds: int = 3
    mels: int = 80
    tower_width: int = 64
    tower_layers: int = 2
    width: int = 64
    layers: int = 2
    heads: int = 4
    vocabulary: int = 512


class Nano(Qwen2Audio):
    """A tiny Qwen2-Audio with random weights, or a checkpoint that training made of one.

    Args:
        checkpoint: A folder that holds a model or an adapter; None makes new random weights in a
            folder below ``folder``, named by their sizes and seed.
        lora: Adapters to train; None trains the whole model.
        freeze: Names of modules that do not train.
        dtype: Of the weights.
        gradient_checkpointing: Make activations again for the gradient instead of keeping them.
        long_audio: Whether a clip longer than the window is cut, or stops the run.
        store: Folder of stored features and tower outputs; None keeps nothing.
        compile: Compile the language model for the update.
        gather: What is gathered at a time of sharded weights (FSDP2) while sampling: the ``model``,
            or a ``layer``.
        cuda_graph: Replay a decoded token as a CUDA graph; on a GPU alone.
        size: Of new weights.
        folder: Where new weights are written.
    """

    def __init__(
        self,
        checkpoint: str | None,
        lora: Lora | None = None,
        freeze: list[str] | None = None,
        dtype: Literal["float32", "bfloat16"] = "float32",
        gradient_checkpointing: bool = False,
        long_audio: Literal["cut", "raise"] = "cut",
        store: str | None = None,
        compile: bool = False,  # noqa: A002
        gather: Literal["model", "layer"] = "model",
        cuda_graph: bool = False,
        size: NanoSize = NanoSize(),
        folder: str = "runs/nano",
    ) -> None:
        super().__init__(
            checkpoint or "",
            lora,
            freeze,
            dtype,
            gradient_checkpointing,
            long_audio,
            store,
            compile,
            gather,
            cuda_graph,
        )
        self.size = size
        self.folder = folder

    def build(self, reference: bool, seed: int) -> None:
        """Write new weights if no checkpoint is given, then load like any model."""
        if not self.checkpoint:
            self.checkpoint = str(write_nano(Path(self.folder), self.size, seed))
        super().build(reference, seed)


def write_nano(folder: Path, size: NanoSize, seed: int) -> Path:
    """Write a tiny model with its processor, unless it stands there, and return its folder.

    The folder appears whole or not at all: it is written beside and then renamed.
    """
    key = json.dumps([VERSION, asdict(size), seed], sort_keys=True)
    target = folder / f"nano-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    if target.is_dir():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".nano-", dir=folder))
    delay_bars()
    processor = _processor(size)
    processor.save_pretrained(beside)
    _model(size, seed, processor).save_pretrained(beside)
    apply_umask(beside)
    try:
        beside.rename(target)
    except OSError:
        shutil.rmtree(beside)  # another process was first
        if not target.is_dir():
            raise
    return target


def _processor(size: NanoSize) -> Any:
    """Build the processor: Whisper features over the window, a tokenizer trained on the spot."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2AudioProcessor, WhisperFeatureExtractor

    text = resources.files("emolit").joinpath("assets/nano/text.txt").read_text(encoding="utf-8")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        text.splitlines(),
        trainers.BpeTrainer(
            vocab_size=size.vocabulary,
            special_tokens=list(SPECIAL),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer.add_tokens(list(TAGS))
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        padding_side="left",
        extra_special_tokens=list(SPECIAL[3:]),
    )
    extractor = WhisperFeatureExtractor(feature_size=size.mels, chunk_length=size.seconds)
    return Qwen2AudioProcessor(extractor, fast)


def _model(size: NanoSize, seed: int, processor: Any) -> Any:
    """Build the model with weights that depend on the seed alone."""
    from transformers import Qwen2AudioConfig, Qwen2AudioForConditionalGeneration

    tokenizer = processor.tokenizer
    positions = size.seconds * 50
    config = Qwen2AudioConfig(
        audio_config={
            "num_mel_bins": size.mels,
            "d_model": size.tower_width,
            "encoder_layers": size.tower_layers,
            "encoder_attention_heads": size.heads,
            "encoder_ffn_dim": 4 * size.tower_width,
            "max_source_positions": positions,
        },
        text_config={
            "model_type": "qwen2",
            "hidden_size": size.width,
            "num_hidden_layers": size.layers,
            "num_attention_heads": size.heads,
            "num_key_value_heads": size.heads,
            "intermediate_size": 3 * size.width,
            "vocab_size": len(tokenizer),
            "max_position_embeddings": 2048,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": None,
        },
        audio_token_index=tokenizer.convert_tokens_to_ids("<|AUDIO|>"),
    )
    with torch.random.fork_rng(), torch.device("cpu"):
        torch.manual_seed(seed)
        model = Qwen2AudioForConditionalGeneration(config)
    tower = find_part(model, "model.audio_tower")
    with torch.no_grad():
        tower.embed_positions.weight.copy_(whisper_positions(positions, size.tower_width))
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    return model
