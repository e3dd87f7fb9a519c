"""A frozen speech encoder and what it says of a clip at each of its layers, pooled over time.

Whisper, WavLM, HuBERT, wav2vec 2.0 and whatever else transformers opens as an encoder of sound.
A clip is heard alone and at its own length: no padding enters, so what is said of it does not
depend on its batch. Whisper's window of 30 s is cut to the clip, as `Window` does.
"""

from collections.abc import Callable
from contextlib import nullcontext
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor
from torchaudio.functional import resample

from emolit.compat.transformers import class_of_checkpoint
from emolit.engine.frozen_model import FrozenModel, Inputs, Sound
from emolit.engine.towers.window import narrow_window

Pooling = Literal["mean", "mean_std"]
POOLINGS: dict[Pooling, Callable[[Tensor], Tensor]] = {
    "mean": lambda states: states.mean(-2),
    "mean_std": lambda states: torch.cat([states.mean(-2), states.std(-2, correction=0)], -1),
}
"""From the states of all frames to one vector. ``[..., T, D]`` -> ``[..., P]``"""
SHORTEST = 0.1
"""Seconds that a clip is padded to with silence: the first convolutions need some samples."""


class SpeechEncoder(FrozenModel[Sound]):
    """States of all layers, pooled over the frames of the clip.

    Args:
        checkpoint: A folder or a hub id: an encoder, or a model that has one.
        pooling: Mean of the frames, or mean and standard deviation side by side.
    """

    reader_class = "AutoFeatureExtractor"
    optional = ("masked_spec_embed",)

    def __init__(self, checkpoint: str, pooling: Pooling = "mean_std") -> None:
        super().__init__(checkpoint)
        self.pooling: Pooling = pooling

    @cached_property
    def model_class(self) -> Any:
        """The class that the checkpoint itself names."""
        return class_of_checkpoint(self.checkpoint)

    @cached_property
    def encoder(self) -> Any:
        """The part that hears."""
        model = self.model
        return model.get_encoder() if model.config.is_encoder_decoder else model.base_model

    @property
    def window(self) -> float | None:
        """Seconds that are heard of a clip; None where there is no limit."""
        samples = getattr(self.reader, "n_samples", None)
        return None if samples is None else float(samples / self.reader.sampling_rate)

    @property
    def layers(self) -> int:
        """How many states there are of a frame: that before the first layer, and one a layer."""
        return int(self.encoder.config.num_hidden_layers) + 1

    @property
    def width(self) -> int:
        """P, the length of a pooled state."""
        size = int(self.encoder.config.hidden_size)
        return POOLINGS[self.pooling](torch.zeros(1, size)).shape[-1]

    def settings(self) -> object:
        """Return the pooling."""
        return self.pooling

    def inputs(self, item: Sound) -> Inputs:
        """Return the features of the clip, without padding."""
        rate = self.reader.sampling_rate
        waveform = resample(item.waveform.float().cpu(), item.sampling_rate, rate)
        missing = max(0, int(SHORTEST * rate) - len(waveform))
        heard = self.reader(
            torch.nn.functional.pad(waveform, (0, missing)).numpy(),
            sampling_rate=rate,
            return_attention_mask=True,
            return_tensors="pt",
        )
        name = self.reader.model_input_names[0]
        if not hasattr(self.encoder, "embed_positions"):  # no window
            return {name: heard[name]}
        frames = int(heard["attention_mask"].sum())
        return {name: heard[name][..., : frames + frames % 2]}

    def compute(self, given: Inputs) -> Tensor:
        """Return the pooled states of a batch. ``[B, L, P]``."""
        (features,) = given.values()
        windowed = hasattr(self.encoder, "embed_positions")
        narrow = narrow_window(self.encoder, features.shape[-1] // 2) if windowed else nullcontext()
        with narrow:
            return self.read(self.encoder(features, output_hidden_states=True)).float()

    def read(self, output: Any) -> Tensor:
        """Pool the states of every layer."""
        return POOLINGS[self.pooling](torch.stack(output.hidden_states, dim=1))
