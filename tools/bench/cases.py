"""What both sides of the benchmark share: cases, models, prompts, clips, counters, clocks."""

import gc
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

BATCH = 2
GROUP = 8
RATE = 16_000
PROMPTS = 64
CLIPS = 16
VOCABULARY = 8192
LEARNING_RATE = 1e-6
SPECIAL = ("<|im_end|>", "<|endoftext|>", "<|audio_bos|>", "<|AUDIO|>", "<|audio_eos|>")
END, PAD, AUDIO = SPECIAL[0], SPECIAL[1], SPECIAL[3]
QUESTION = "Which emotion does the voice have?"
TEXT = {
    "hidden_size": 256,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 1024,
    "vocab_size": VOCABULARY,
    "tie_word_embeddings": False,
    "max_position_embeddings": 4096,
}
TOWER = {
    "num_mel_bins": 128,
    "d_model": 128,
    "encoder_layers": 4,
    "encoder_attention_heads": 4,
    "encoder_ffn_dim": 512,
    "max_source_positions": 1500,
}


@dataclass(frozen=True)
class Case:
    """One setting of the benchmark.

    Attributes:
        name: Of the case.
        prompt: P, tokens of a text prompt; 0 where the prompt is a clip with a question.
        completion: C, tokens of every response.
        seconds: Of a clip; 0 is text only.
        frozen: Whether the tower is frozen.
        group: G, responses a prompt.
    """

    name: str
    prompt: int
    completion: int
    seconds: int = 0
    frozen: bool = False
    group: int = GROUP

    def dumps(self) -> str:
        """Return the case as JSON, for a command line."""
        return json.dumps(asdict(self))


CASES = {
    case.name: case
    for case in (
        Case("text_p256_c32", 256, 32),
        Case("text_p512_c32", 512, 32),
        Case("text_p64_c64", 64, 64),
        Case("text_p32_c128", 32, 128),
        Case("audio_10s_frozen", 0, 32, seconds=10, frozen=True),
        Case("audio_10s_trainable", 0, 32, seconds=10),
    )
}


def tokenizer_of() -> Any:
    """Return a tokenizer with one token a byte."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = [*SPECIAL, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    inner = Tokenizer(models.BPE({token: place for place, token in enumerate(alphabet)}, []))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    inner.add_special_tokens(list(SPECIAL))
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        eos_token=END,
        pad_token=PAD,
        padding_side="left",
        extra_special_tokens=list(SPECIAL[2:]),
    )


def write(folder: Path) -> None:
    """Write both random models, seed 0, each with what encodes its prompts."""
    from transformers import (
        Qwen2AudioConfig,
        Qwen2AudioForConditionalGeneration,
        Qwen2AudioProcessor,
        Qwen2Config,
        Qwen2ForCausalLM,
        WhisperFeatureExtractor,
    )

    tokenizer = tokenizer_of()
    ids = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    ids["bos_token_id"] = None
    torch.manual_seed(0)
    text = Qwen2ForCausalLM(Qwen2Config(**TEXT, **ids))
    torch.manual_seed(0)
    audio = Qwen2AudioForConditionalGeneration(
        Qwen2AudioConfig(
            audio_config=TOWER,
            text_config={"model_type": "qwen2", **TEXT, **ids},
            audio_token_index=tokenizer.convert_tokens_to_ids(AUDIO),
        )
    )
    processor = Qwen2AudioProcessor(WhisperFeatureExtractor(feature_size=128), tokenizer)
    for model, reader, name in ((text, tokenizer, "text"), (audio, processor, "audio")):
        model.generation_config.eos_token_id = tokenizer.eos_token_id
        model.save_pretrained(folder / name)
        reader.save_pretrained(folder / name)


def prompts(length: int) -> list[str]:
    """Return texts of so many letters, a token each."""
    drawn = torch.randint(97, 123, (PROMPTS, length), generator=torch.Generator().manual_seed(0))
    return [bytes(row.tolist()).decode() for row in drawn]


def clips(seconds: int) -> list[Tensor]:
    """Return clips of noise."""
    generator = torch.Generator().manual_seed(0)
    return [0.1 * torch.randn(RATE * seconds, generator=generator) for _ in range(CLIPS)]


def reward(tokens: Tensor) -> Tensor:
    """Return the share of even token ids. ``[..., C]`` -> ``[...]``."""
    return (tokens % 2 == 0).float().mean(-1)


class Counts:
    """Counts by hooks what passes through a model, as long as it is open.

    Args:
        model: A transformers model.
        prompt: Positions below this belong to the prompt; it is read from the first pass if 0.
    """

    def __init__(self, model: nn.Module, prompt: int) -> None:
        self.model, self.prompt = model, prompt
        self.seen: Counter[str] = Counter()
        self.backward = False
        self.handles: list[Any] = []

    def open(self) -> None:
        """Hang in the hooks."""
        layer = next(m for m in self.model.modules() if type(m).__name__ == "Qwen2DecoderLayer")
        head = self.model.get_output_embeddings()
        self.handles = [
            layer.register_forward_pre_hook(self._tokens, with_kwargs=True),
            head.register_forward_hook(self._logits),
        ]
        for name, module in self.model.named_modules():
            if name.endswith("audio_tower.conv1"):
                self.handles.append(module.register_forward_pre_hook(self._tower))

    def close(self) -> None:
        """Take them out."""
        for handle in self.handles:
            handle.remove()
        self.handles = []

    def _tokens(self, module: nn.Module, given: Any, named: Any) -> None:
        hidden = given[0] if given else named["hidden_states"]
        rows, length = hidden.shape[:2]
        self.prompt = self.prompt or length  # the first pass of either side is a prefill
        where = named["position_ids"].expand(rows, length)
        self.seen["prefix_tokens"] += int((where < self.prompt).sum())
        self.seen["layer_tokens"] += rows * length

    def _tower(self, module: nn.Module, given: Any) -> None:
        self.seen["tower_rows"] += len(given[0])

    def _logits(self, module: nn.Module, given: Any, said: Tensor) -> None:
        if said.shape[-1] == VOCABULARY:
            self.logits(said.numel() // VOCABULARY)

    def logits(self, rows: int) -> None:
        """Count rows of logits, by the part of the step that makes them."""
        part = "update" if torch.is_grad_enabled() else "rollout"
        self.seen[f"{'recomputed' if self.backward else part}_logit_rows"] += rows


def resident() -> tuple[float, float]:
    """Return this process's resident memory now and at its peak, in MB."""
    status = Path("/proc/self/status")
    if not status.exists():
        unit = 2**20 if sys.platform == "darwin" else 2**10
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
        return peak, peak
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    now, peak = (int(lines[key].split()[0]) / 1024 for key in ("VmRSS", "VmHWM"))
    return now, peak


class Clock:
    """Takes the wall and CPU time of every step, and the memory around all of them."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []
        self.before = 0.0

    def start(self) -> None:
        """Begin a step."""
        if not self.wall:
            gc.collect()
            self.before = resident()[0]
        self.began = time.perf_counter(), time.process_time()

    def stop(self) -> None:
        """End a step."""
        self.wall.append(time.perf_counter() - self.began[0])
        self.cpu.append(time.process_time() - self.began[1])

    def record(self) -> dict[str, Any]:
        """Return what was taken, the first step dropped."""
        peak = resident()[1]
        memory = {"peak_mb": peak, "before_mb": self.before, "added_mb": peak - self.before}
        return {"wall_s": self.wall[1:], "cpu_s": self.cpu[1:], **memory}


def run(side: Callable[[Case, Path, int], dict[str, Any]]) -> None:
    """Run one side in this process, as the command line says, and write what it says."""
    import warnings

    case, folder, steps, target = sys.argv[1:]
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    said = side(Case(**json.loads(case)), Path(folder), int(steps))
    Path(target).write_text(json.dumps(said))
