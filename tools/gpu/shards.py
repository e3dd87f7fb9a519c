"""FSDP2 on one process, which gathers nothing: a step by part, and the rows of whole weights."""

from collections.abc import Iterator

import torch
from torch import distributed
from torch.distributed.device_mesh import init_device_mesh

from emolit.types import Sampling
from tools.gpu.rows import Row
from tools.gpu.setting import Setting
from tools.gpu.step import Steps, apart, times

FORM = "fsdp2"


def measure(setting: Setting) -> Iterator[Row]:
    """Yield a step of adapters over sharded weights, beside that of whole ones."""
    policy = setting.policy("lora sharded")
    batch = setting.batch(setting.shape.prompts)
    sampling = Sampling(max_tokens=setting.shape.tokens)
    whole = policy.sample(batch, setting.shape.group, sampling, seed=0, step=0)
    meeting = f"file://{setting.folder}/meet"
    distributed.init_process_group(
        "nccl" if setting.cuda else "gloo", init_method=meeting, rank=0, world_size=1
    )
    try:
        names = ("data_parallel", "tensor_parallel")
        mesh = init_device_mesh(setting.device.type, (1, 1), mesh_dim_names=names)
        policy.shard(mesh, torch.bfloat16)
        rollout = policy.sample(batch, setting.shape.group, sampling, seed=0, step=0)
        same = (rollout.tokens == whole.tokens).float().mean().item()
        note = "bfloat16 rounds otherwise, and rows part where it does"
        yield Row(FORM, "tokens that whole weights draw too", same, "share", 1.0, note)
        steps = Steps(setting, policy)
        rollout, logprobs = steps.run(mixed=False)
        yield from times(steps, FORM)
        yield from apart(rollout, logprobs, FORM)
    finally:
        distributed.destroy_process_group()
        setting.drop()
