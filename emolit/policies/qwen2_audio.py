"""Qwen2-Audio, https://arxiv.org/abs/2407.10759: Whisper tower, one linear projector, Qwen2."""

from typing import Any

from torch import Tensor

from emolit.compat.torch import replace_forward
from emolit.compat.transformers import find_part
from emolit.engine.towers.window import Window, crop
from emolit.policies.huggingface import HuggingFace


class Qwen2Audio(HuggingFace):
    """Qwen2-Audio at any size; the chat layout is the one of its own template.

    Its tower runs on the frames of the batch's longest clip, not on its whole window.

    Args:
        checkpoint: A folder or hub id, for example ``Qwen/Qwen2-Audio-7B-Instruct``.
        lora: Adapters to train; None trains the whole model.
        freeze: Names of modules that do not train: ``audio_tower``, ``multi_modal_projector``,
            ``language_model``.
        dtype: Of the weights.
        gradient_checkpointing: Make activations again for the gradient instead of keeping them.
        long_audio: Whether a clip longer than the window is cut, or stops the run.
        store: Folder of stored features and tower outputs; None keeps nothing.
        compile: Compile the language model for the update.
        gather: What is gathered at a time of sharded weights (FSDP2) while sampling: the ``model``,
            or a ``layer``.
        cuda_graph: Replay a decoded token as a CUDA graph; on a GPU alone.
    """

    auto_class = "Qwen2AudioForConditionalGeneration"
    tower_takes_rows = True

    def prepare(self, network: Any) -> None:
        """Let the tower take fewer frames than its window."""
        tower = find_part(network, "model.audio_tower")
        replace_forward(tower, Window(tower))

    def process(self, texts: list[str], waveforms: list[Any], rate: int) -> dict[str, Tensor]:
        """Call the processor, and leave out padding that no clip of the batch needs.

        With a store all of it stays: what is stored about a clip must not depend on its batch.
        """
        inputs = super().process(texts, waveforms, rate)
        if self.store is not None:
            return inputs
        names = ("input_features", "feature_attention_mask")
        parts = crop(*(inputs[name] for name in names))
        return inputs | dict(zip(names, parts, strict=True))
