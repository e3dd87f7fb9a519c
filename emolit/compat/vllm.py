"""What emolit adds to vLLM: adapters for Qwen2-Audio.

vLLM 0.32 has the model, and refuses adapters for it (``does not support LoRA yet``): its class does
not say which layers are fused, which part is which, and how the names of a checkpoint of
transformers 5 become its own. A server that finds emolit in its environment calls `add_adapters` at
its start, by the entry point ``vllm.general_plugins`` (setup.cfg); emolit imports no vLLM.
"""

from typing import Any

ARCHITECTURE = "Qwen2AudioForConditionalGeneration"
FUSED = {"qkv_proj": ["q_proj", "k_proj", "v_proj"], "gate_up_proj": ["gate_proj", "up_proj"]}
"""Layers of vLLM's Qwen2, and those of the checkpoint that each holds side by side."""
PREFIXES = {
    "model.language_model.": "language_model.model.",
    "model.audio_tower.": "audio_tower.",
    "model.multi_modal_projector.": "multi_modal_projector.",
    "lm_head.": "language_model.lm_head.",
}
"""Beginnings of names: those of transformers 5, and those of vLLM."""


def add_adapters() -> None:
    """Register a Qwen2-Audio that takes adapters, unless vLLM's own does; a plugin of vLLM."""
    from vllm import ModelRegistry
    from vllm.model_executor.models import qwen2_audio
    from vllm.model_executor.models.interfaces import SupportsLoRA
    from vllm.model_executor.models.module_mapping import MultiModelKeys
    from vllm.model_executor.models.utils import WeightsMapper
    from vllm.multimodal import MULTIMODAL_REGISTRY

    model: Any = getattr(qwen2_audio, ARCHITECTURE)
    if getattr(model, "supports_lora", False):
        return

    @MULTIMODAL_REGISTRY.register_processor(
        qwen2_audio.Qwen2AudioMultiModalProcessor,
        info=qwen2_audio.Qwen2AudioProcessingInfo,
        dummy_inputs=qwen2_audio.Qwen2AudioDummyInputsBuilder,
    )
    class Qwen2AudioWithAdapters(model, SupportsLoRA):  # type: ignore[misc]  # untyped bases
        packed_modules_mapping = FUSED
        hf_to_vllm_mapper = WeightsMapper(orig_to_new_prefix=PREFIXES)

        def get_mm_mapping(self) -> Any:
            return MultiModelKeys.from_string_field(
                language_model="language_model",
                connector="multi_modal_projector",
                tower_model="audio_tower",
            )

    ModelRegistry.register_model(ARCHITECTURE, Qwen2AudioWithAdapters)
