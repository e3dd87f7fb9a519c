"""A policy whose weights may be sharded over processes, and how they are saved."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from emolit.compat.peft import ADAPTER, in_adapter, is_wrapped
from emolit.engine.scoring.logprobs import Scorer
from emolit.engine.weights.sharding import any_rank, gather_weights
from emolit.engine.weights.spreading import copy_out, reads_weights, share_out
from emolit.errors import ConfigError, PolicyError
from emolit.policies.referenced import ReferencedPolicy


class ShardedPolicy(ReferencedPolicy):
    """Holds the network and its frozen copy, shards them, and saves them.

    Attributes:
        model: Of transformers, adapters around it; None before the policy is built.
        frozen_twin: The reference, where it is a network of its own.
        scorer: Asks other processes where weights are sharded.
    """

    scorer: Scorer
    gather: str = "model"
    cuda_graph: bool = False

    def __init__(self) -> None:
        super().__init__()
        self.model: Any = None
        self.frozen_twin: nn.Module | None = None
        self._mesh: Any = None
        self._shards = False

    @property
    def base(self) -> Any:
        """The transformers model, adapters inside."""
        return self.model.get_base_model() if self.adapts else self.model

    @property
    def adapts(self) -> bool:
        """Whether adapters train, not the whole model. Known once built."""
        return is_wrapped(self.model)

    def unshardable(self) -> list[str]:
        """Return the settings that keep weights from being sharded."""
        return []

    def check_place(self, device: torch.device, sharded: bool) -> None:
        """Refuse ``cuda_graph`` without a GPU, and ``gather: layer`` without shards."""
        if self.cuda_graph and device.type != "cuda":
            raise ConfigError(
                f"`cuda_graph` is set, and the policy trains on {device.type}, where there are no "
                "CUDA graphs; leave it out."
            )
        if self.gather == "layer" and not sharded:
            raise ConfigError(
                "`gather: layer` says how sharded weights are gathered, and none are sharded; "
                "leave it out, or train with `ModelParallelStrategy`."
            )

    def expect_shards(self) -> None:
        """Let the first process alone read the weights, and the frozen copy wait for its parts."""
        self._shards = not self.unshardable()

    @property
    def builds_empty(self) -> bool:
        """Whether weights come from the first process, once they are sharded."""
        return self._shards and not reads_weights()

    def shard(self, mesh: Any, compute: torch.dtype | None = None) -> None:
        """Shard model and frozen copy; from here on all processes run them in step."""
        if self._mesh is not None:
            return
        odd = " and ".join(f"`{name}`" for name in self.unshardable())
        if odd:
            raise PolicyError(
                "Weights that are quantized, merged, compiled or captured cannot be sharded; leave "
                f"out {odd}, or choose another `trainer.strategy`, such as ddp."
            )
        self._mesh = mesh
        self.scorer.anyone = any_rank(mesh)
        share_out(self.base, mesh, compute)
        if self.frozen_twin is not None:
            copy_out(self.frozen_twin, self.base, mesh, compute)

    def gather_weights(self) -> dict[str, Tensor] | None:
        """Return what `save` writes, whole, on the first process; None where nothing is sharded.

        Of adapters, these alone.
        """
        if self._mesh is None:
            return None
        return gather_weights(self.model, in_adapter if self.adapts else None)

    def save(self, folder: Path, state: dict[str, Tensor] | None = None) -> None:
        """Write a peft folder for adapters, else an ordinary model folder; with the processor."""
        if self.adapts:
            self.model.save_pretrained(folder, selected_adapters=[ADAPTER], state_dict=state)
            (folder / "README.md").unlink(missing_ok=True)  # peft's form, with nothing filled in
        else:
            self.model.save_pretrained(folder, state_dict=state)
        self.processor.save_pretrained(folder)

    def save_settings(self, folder: Path) -> None:
        """Write the folder of a whole model without its weights."""
        self.base.config.save_pretrained(folder)
        if self.base.can_generate():
            self.base.generation_config.save_pretrained(folder)
        self.processor.save_pretrained(folder)
