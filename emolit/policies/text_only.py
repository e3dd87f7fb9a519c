"""A causal language model that reads and does not hear: what can be told from text alone."""

from typing import Any

from torch import Tensor

from emolit.engine.inputs.encoding import begin_replies
from emolit.engine.inputs.text_processor import TextProcessor, load_text_processor
from emolit.policies.huggingface import HuggingFace
from emolit.types import Batch


class TextOnly(HuggingFace):
    """Any causal language model with a chat template; audio that a clip has is left alone.

    Its layers must be attention: linear attention, Mamba and their like are refused.
    For clips that are text, such as EMER's reasons, and to measure what words alone give away.

    Args:
        checkpoint: A folder or hub id, for example ``HuggingFaceTB/SmolLM2-135M-Instruct``.
        lora: Adapters to train; None trains the whole model.
        freeze: Names of modules that do not train.
        dtype: Of the weights.
        gradient_checkpointing: Make activations again for the gradient instead of keeping them.
        long_audio: Without effect: no audio is heard.
        store: Without effect, likewise.
        compile: Compile the language model for the update.
        gather: What is gathered at a time of sharded weights (FSDP2) while sampling: the ``model``,
            or a ``layer``.
        cuda_graph: Replay a decoded token as a CUDA graph; on a GPU alone.
    """

    auto_class = "AutoModelForCausalLM"
    hears = False
    lora_targets = r".*\.(q|k|v|o|gate|up|down)_proj"

    @property
    def window(self) -> float | None:
        """There is no limit: nothing is heard."""
        return None

    def load_processor(self, source: str) -> TextProcessor:
        """Return the tokenizer."""
        return load_text_processor(source)

    def conversation(self, question: str, seen: bool = False) -> list[dict[str, Any]]:
        """Return the chat that puts a question; such templates take plain text."""
        return [{"role": "user", "content": question}]

    def read(self, batch: Batch) -> dict[str, Tensor]:
        """Tokenize B questions."""
        inputs: dict[str, Tensor] = self.processor.encode(
            begin_replies([self.render(question) for question in batch.questions], batch)
        )
        return inputs
