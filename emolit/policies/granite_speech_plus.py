"""Granite Speech Plus: Granite Speech whose projector hears several layers of the conformer."""

from emolit.policies.granite_speech import GraniteSpeech


class GraniteSpeechPlus(GraniteSpeech):
    """Granite Speech Plus without an adapter of its own; clips are shown to it one by one.

    Args:
        checkpoint: A folder or hub id of a model whose config says ``has_lora_adapter: false``,
            for example ``ibm-granite/granite-speech-4.1-2b-plus``.
        lora: Adapters to train; None trains the whole model.
        freeze: Names of modules that do not train: ``encoder``, ``projector``,
            ``language_model``.
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

    auto_class = "GraniteSpeechPlusForConditionalGeneration"
