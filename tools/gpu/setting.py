"""What a check runs on: a card, the shape of a 7B or a tiny one, random weights, clips of noise."""

import gc
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from emolit.compat.transformers import delay_bars
from emolit.engine.weights.adapters import Lora
from emolit.policies.nano import Nano, NanoSize, write_nano
from emolit.types import Batch, Clip
from tools.model_sizes import MODELS, Model
from tools.recipe import Recipe

RATE = 16_000
QUESTION = "Which emotion does the voice have? "
Result = TypeVar("Result")


@dataclass(frozen=True)
class Shape:
    """Sizes of the network and of a step.

    Attributes:
        text: Of the language model, as transformers names them.
        tower: Of the Whisper tower.
        seconds: Of a clip.
        prompts: Clips of a step.
        group: Responses to each.
        tokens: Of a response.
        questions: How often a prompt asks.
        rounds: Steps that are measured, behind one that is not.
    """

    text: dict[str, int]
    tower: dict[str, int]
    seconds: int
    prompts: int
    group: int
    tokens: int
    questions: int
    rounds: int


WHISPER = {"d_model": 1280, "encoder_layers": 32, "encoder_attention_heads": 20}
WHISPER |= {"encoder_ffn_dim": 5120, "num_mel_bins": 128, "max_source_positions": 1500}
LARGE = MODELS["qwen2_audio"]
SEVEN_B = Shape(
    text={
        "hidden_size": LARGE.width,
        "num_hidden_layers": LARGE.layers,
        "num_attention_heads": LARGE.heads,
        "num_key_value_heads": LARGE.key_heads,
        "intermediate_size": LARGE.inner,
        "vocab_size": LARGE.vocabulary,
    },
    tower=WHISPER,
    seconds=10,
    prompts=2,
    group=8,
    tokens=64,
    questions=6,
    rounds=3,
)
"""Qwen2-Audio-7B, under the step of the table in docs/scaling.md."""
TINY = Shape(
    text={
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "intermediate_size": 64,
        "vocab_size": 640,
    },
    tower={
        "d_model": 16,
        "encoder_layers": 1,
        "encoder_attention_heads": 2,
        "encoder_ffn_dim": 32,
        "num_mel_bins": 20,
        "max_source_positions": 50,
    },
    seconds=1,
    prompts=2,
    group=2,
    tokens=8,
    questions=2,
    rounds=1,
)


def write_checkpoint(folder: Path, shape: Shape, device: torch.device) -> Path:
    """Write random weights of a shape in bfloat16, made on the device, with Nano's processor."""
    from transformers import AutoProcessor, Qwen2AudioConfig, Qwen2AudioForConditionalGeneration

    delay_bars()
    seconds = shape.tower["max_source_positions"] // 50
    size = NanoSize(seconds=seconds, mels=shape.tower["num_mel_bins"], width=8, layers=1, heads=2)
    nano = write_nano(folder, size, seed=0)
    given = Qwen2AudioConfig.from_pretrained(nano)
    tokens = ("eos_token_id", "pad_token_id", "bos_token_id")
    text = {name: getattr(given.text_config, name) for name in tokens}
    config = Qwen2AudioConfig(
        audio_config=shape.tower,
        text_config={"model_type": "qwen2", **shape.text, **text},
        audio_token_index=given.audio_token_id,
    )
    torch.manual_seed(0)
    with device:
        model = Qwen2AudioForConditionalGeneration._from_config(config, dtype=torch.bfloat16)
    target = folder / "shape"
    model.generation_config.eos_token_id = text["eos_token_id"]
    model.save_pretrained(target)
    AutoProcessor.from_pretrained(nano).save_pretrained(target)
    return target


@dataclass
class Setting:
    """Where a check runs.

    Attributes:
        shape: Of the network and of a step.
        device: A GPU, or the CPU.
        folder: For what is written meanwhile.
        vllm: The command that starts a server; None where there is none.
        bandwidth: Bytes a second, once it is measured.
        end: Until when, by the clock that only goes on.
    """

    shape: Shape
    device: torch.device
    folder: Path
    vllm: str | None = None
    bandwidth: float = 0.0
    end: float = math.inf
    _loaded: tuple[str, Nano] | None = field(default=None, repr=False)
    _checkpoint: Path | None = None

    @property
    def cuda(self) -> bool:
        """Whether it is a GPU."""
        return self.device.type == "cuda"

    def checkpoint(self) -> Path:
        """Return the folder of random weights, written once."""
        if self._checkpoint is None:
            self._checkpoint = write_checkpoint(self.folder, self.shape, self.device)
            self.free()
        return self._checkpoint

    def policy(self, form: str) -> Nano:
        """Return a policy, loaded as a run loads it; one at a time is held.

        Args:
            form: ``lora``, ``qlora``, ``whole``, or any of them with a word behind a space: a
                policy of its own.
        """
        if self._loaded is None or self._loaded[0] != form:
            self._loaded = None
            checkpoint = self.checkpoint()
            self.free()
            kind = form.split()[0]
            lora = None if kind == "whole" else Lora(quantize="nf4" if kind == "qlora" else None)
            policy = Nano(
                str(checkpoint),
                lora=lora,
                freeze=["audio_tower"],
                dtype="bfloat16",
                gradient_checkpointing=True,
            )
            policy.build(reference=lora is not None, seed=0)
            policy.to(self.device)
            policy._checked = True  # random weights are no checkpoint whose hearing is in doubt
            known = len(policy.processor.tokenizer)  # rows of the embedding behind it may be drawn
            special = policy.forbidden[policy.forbidden < known]
            policy.forbidden = torch.cat([special, policy.ends])  # all rows are as long
            self._loaded = (form, policy)
        return self._loaded[1]

    def drop(self) -> None:
        """Let go of the policy that is held."""
        self._loaded = None
        self.free()

    def free(self) -> None:
        """Give memory back, so that each part begins with all of it."""
        gc.collect()
        if self.cuda:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()

    def batch(self, prompts: int) -> Batch:
        """Return clips of noise, new ones for whoever remembers what it has encoded."""
        generator = torch.Generator().manual_seed(0)
        length = self.shape.seconds * RATE
        noise = tuple(0.1 * torch.randn(length, generator=generator) for _ in range(prompts))
        return Batch(
            clips=tuple(Clip(str(place), "noise", f"{place}.wav") for place in range(prompts)),
            questions=(QUESTION * self.shape.questions,) * prompts,
            targets=(None,) * prompts,
            options=(),
            waveforms=noise,
            sampling_rate=RATE,
        )

    def mixed(self, enabled: bool = True) -> torch.autocast:
        """Return the block that Lightning's ``bf16-mixed`` is."""
        kind = self.device.type
        return torch.autocast(kind, torch.bfloat16, enabled=enabled, cache_enabled=False)

    def timed(self, run: Callable[[], Result]) -> tuple[Result, float]:
        """Return what a function returns, and the seconds until the device has done it."""
        self.wait()
        begun = time.perf_counter()
        result = run()
        self.wait()
        return result, time.perf_counter() - begun

    def wait(self) -> None:
        """Wait for the device."""
        if self.cuda:
            torch.cuda.synchronize()

    def sizes(self) -> Model:
        """Return the sizes that a plan computes with; what is no language model is counted."""
        from transformers import Qwen2AudioConfig, Qwen2AudioForConditionalGeneration

        text = self.shape.text
        with torch.device("meta"):
            network = Qwen2AudioForConditionalGeneration(
                Qwen2AudioConfig.from_pretrained(self.checkpoint())
            )
        model = Model(
            text["hidden_size"],
            text["num_hidden_layers"],
            text["num_attention_heads"],
            text["num_key_value_heads"],
            text["intermediate_size"],
            text["vocab_size"],
            rest=0.0,
            head_width=text["hidden_size"] // text["num_attention_heads"],
        )
        total = sum(weight.numel() for weight in network.parameters())
        return replace(model, rest=total - model.parameters)

    def recipe(self, form: str, prompt_tokens: int) -> Recipe:
        """Return what a plan computes for the step of this shape, without a frozen copy."""
        shape = self.shape
        return Recipe(
            trains=form,
            prompts=shape.prompts,
            group=shape.group,
            prompt_tokens=prompt_tokens,
            response_tokens=shape.tokens,
            reference=False,
        )


def taken(tensors: list[Tensor]) -> float:
    """Return the gigabytes of tensors, those that are the same counted once."""
    kept = {id(tensor): tensor for tensor in tensors}
    return sum(tensor.numel() * tensor.element_size() for tensor in kept.values()) / 1e9
