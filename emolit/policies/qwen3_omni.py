"""Qwen3-Omni, https://arxiv.org/abs/2509.17765: its thinker, a mixture of experts."""

from typing import Any

from torch import Tensor

from emolit.policies.qwen25_omni import Qwen25Omni


class Qwen3Omni(Qwen25Omni):
    """The thinker of Qwen3-Omni: audio and text in, text out.

    Positions have three axes and are passed explicitly always. A released checkpoint holds talker
    and vocoder too; they are not loaded. Of its processor only the half that hears is used.

    The tower cuts a clip into chunks of a second and pads all chunks to the longest one of the
    batch, unmasked: a clip below a second would be heard in another way beside longer ones, and is
    therefore padded to a second with silence. Adapters sit on attention, whose projections are
    layers; experts are single tensors, which ``targets`` cannot name.

    Args:
        checkpoint: A folder or hub id, for example ``Qwen/Qwen3-Omni-30B-A3B-Instruct``: the
            released whole, or a thinker that training has saved.
        lora: Adapters to train; None trains the whole thinker but its eyes.
        freeze: Names of modules that do not train: ``audio_tower``, ``language_model``.
        dtype: Of the weights.
        gradient_checkpointing: Make activations again for the gradient instead of keeping them.
        long_audio: Idle here, since any length is heard; prompts have the model's own limit.
        store: Idle here: features depend on the clip's own length, and only whole windows are
            stored.
        compile: Compile the language model for the update.
        gather: What is gathered at a time of sharded weights (FSDP2) while sampling: the ``model``,
            or a ``layer``.
        cuda_graph: Replay a decoded token as a CUDA graph; on a GPU alone.
    """

    auto_class = "Qwen3OmniMoeThinkerForConditionalGeneration"
    foreign = ("talker.", "code2wav.")
    shortest = 1.0
    video_class = None
    marks = ()
    lora_targets = r"(?!.*(audio_tower|visual)).*\.self_attn\.(q|k|v|o)_proj"

    @property
    def window(self) -> None:
        """Nothing is cut."""

    def process(self, texts: list[str], waveforms: list[Any], rate: int) -> dict[str, Tensor]:
        """Make features of whole clips, and as many audio tokens as the tower will make."""
        features, mask = self.processor.hear(waveforms, rate)
        chunks, rest = mask.sum(-1) // 100, mask.sum(-1) % 100
        for _ in range(3):
            rest = (rest - 1) // 2 + 1  # three convolutions of stride 2 make 13 of 100
        placeholder = self.processor.tokenizer.audio_token
        inputs = self.processor.read(texts, placeholder, 13 * chunks + rest)
        return {**inputs, "input_features": features, "feature_attention_mask": mask}
