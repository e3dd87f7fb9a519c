"""Music Flamingo, https://arxiv.org/abs/2511.10289: Audio Flamingo 3 with positions in seconds."""

from emolit.policies.audio_flamingo3 import AudioFlamingo3


class MusicFlamingo(AudioFlamingo3):
    """Music Flamingo: text and audio in, text out; long clips are heard in several windows.

    Args:
        checkpoint: A folder or hub id, for example ``nvidia/music-flamingo-2601-hf``.
        lora: Adapters to train; None trains the whole model.
        freeze: Names of modules that do not train: ``audio_tower``, ``multi_modal_projector``,
            ``language_model``.
        dtype: Of the weights.
        gradient_checkpointing: Make activations again for the gradient instead of keeping them.
        long_audio: Whether a clip longer than what is heard is cut, or stops the run.
        store: Folder of stored features; None keeps nothing.
        compile: Compile the language model for the update.
        gather: What is gathered at a time of sharded weights (FSDP2) while sampling: the ``model``,
            or a ``layer``.
        cuda_graph: Replay a decoded token as a CUDA graph; on a GPU alone.
    """

    auto_class = "MusicFlamingoForConditionalGeneration"
