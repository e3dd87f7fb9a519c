"""Qwen2.5-Omni, https://arxiv.org/abs/2503.20215: its thinker, which hears and writes."""

from typing import Any

from torch import Tensor

from emolit.engine.inputs.audio_processor import load_audio_processor
from emolit.engine.inputs.video_processor import patches, with_placeholders
from emolit.engine.towers.window import crop
from emolit.policies.huggingface import HuggingFace
from emolit.types import Batch


class Qwen25Omni(HuggingFace):
    """The thinker of Qwen2.5-Omni: audio, text and, if a batch has them, pictures in, text out.

    Positions have three axes, as for video, and are passed explicitly always: the module's own
    memory of them belongs to whichever batch it saw last. A released checkpoint holds talker and
    vocoder too; they are not loaded. Of its processor the half that hears is used, and the video
    half once there are pictures (`loading.frames`; extra ``frames``): they stand before the audio,
    not interleaved with it, and their positions follow the seconds between them.

    Args:
        checkpoint: A folder or hub id, for example ``Qwen/Qwen2.5-Omni-3B``: the released whole,
            or a thinker that training has saved.
        lora: Adapters to train; None trains the whole thinker, its eyes where there are pictures.
        freeze: Names of modules that do not train: ``audio_tower``, ``visual``,
            ``language_model``.
        dtype: Of the weights.
        gradient_checkpointing: Make activations again for the gradient instead of keeping them.
        long_audio: Whether a clip longer than the window is cut, or stops the run.
        store: Folder of stored features; None keeps nothing.
        compile: Compile the language model for the update.
        gather: What is gathered at a time of sharded weights (FSDP2) while sampling: the ``model``,
            or a ``layer``.
        cuda_graph: Replay a decoded token as a CUDA graph; on a GPU alone.
    """

    auto_class = "Qwen2_5OmniThinkerForConditionalGeneration"
    foreign = ("talker.", "token2wav.")
    video_class: str | None = "Qwen2VLVideoProcessor"
    """What makes patches of pictures; None cannot see."""
    marks: tuple[str, ...] = ("audio_bos_eos_token",)
    """Embeddings of the tower that its forward pass does not look at."""
    lora_targets = r"(?!.*(audio_tower|visual)).*\.(q|k|v|o|gate|up|down)_proj"

    def untrainable_modules(self) -> list[str]:
        """Return the eyes where nothing is seen, and marks of audio, which no prompt holds."""
        return [*super().untrainable_modules(), *self.marks]

    def load_processor(self, source: str) -> Any:
        """Return the half that hears; the other one needs torchvision."""
        return load_audio_processor(source)

    def process(self, texts: list[str], waveforms: list[Any], rate: int) -> dict[str, Tensor]:
        """Make features over the window, and as many audio tokens as the tower will make."""
        heard = self.processor.feature_extractor(
            waveforms,
            sampling_rate=rate,
            padding="max_length",
            return_attention_mask=True,
            return_tensors="pt",
        )
        features, mask = crop(heard["input_features"], heard["attention_mask"].long())
        lengths = ((mask.sum(-1) - 1) // 2 + 1 - 2) // 2 + 1
        inputs = self.processor.read(texts, self.processor.tokenizer.audio_token, lengths)
        return {**inputs, "input_features": features, "feature_attention_mask": mask}

    def see(self, texts: list[str], batch: Batch) -> tuple[list[str], dict[str, Tensor]]:
        """Make patches of pictures, and as many video tokens as the tower will make."""
        if self.video_class is None:
            return super().see(texts, batch)
        spans = [len(waveform) / batch.sampling_rate for waveform in batch.waveforms]
        tower, token = self.base.config.vision_config, self.processor.tokenizer.video_token
        found, lengths = patches(batch.frames, spans, tower, self.video_class)
        return with_placeholders(texts, token, lengths), found

    def positions(self, inputs: dict[str, Tensor]) -> Tensor:
        """Return temporal, height and width positions. ``[3, B, P]``."""
        where: Tensor
        where, _ = self.base.get_rope_index(
            inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            audio_seqlens=inputs["feature_attention_mask"].sum(-1),
            video_grid_thw=inputs.get("video_grid_thw"),
            second_per_grids=inputs.get("video_second_per_grid"),
        )
        return where.long()
