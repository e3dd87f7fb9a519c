"""What emolit adds to vLLM, against the vLLM of `make test-vllm`."""

import subprocess

import pytest

from tests.fakes.vllm_process import PYTHON, SETTINGS

pytestmark = pytest.mark.vllm
ASKED = """
from importlib.metadata import entry_points
from vllm.model_executor.models import qwen2, qwen2_audio
from vllm.plugins import load_general_plugins
assert not getattr(qwen2_audio.Qwen2AudioForConditionalGeneration, "supports_lora", False)
load_general_plugins()
load_general_plugins()
from vllm import ModelRegistry
from vllm.model_executor.models.interfaces import supports_lora
(found,) = [e for e in entry_points(group="vllm.general_plugins") if e.name == "emolit"]
from emolit.compat import vllm as ours
model = ModelRegistry.models[ours.ARCHITECTURE].load_model_cls()
assert supports_lora(model)
assert model.packed_modules_mapping == qwen2.Qwen2ForCausalLM.packed_modules_mapping
names = model.hf_to_vllm_mapper.apply_list(
    ["model.language_model.layers.0.mlp.up_proj", "model.audio_tower.conv1", "lm_head.weight"]
)
assert names == ["language_model.model.layers.0.mlp.up_proj", "audio_tower.conv1",
                 "language_model.lm_head.weight"], names
found.load()()  # registering again changes nothing
"""


def test_a_server_that_finds_emolit_lets_qwen2_audio_have_adapters():
    if not PYTHON.is_file():
        pytest.skip("needs an environment with vLLM; run `make test-vllm`")
    done = subprocess.run([PYTHON, "-c", ASKED], env=SETTINGS, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
