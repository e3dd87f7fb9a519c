"""A frozen model that answers for others: items in, one vector an item out.

It is loaded when it is first asked, in float32 and outside autocast; it draws nothing from the
run's random numbers. Items of one length share a batch, so that nothing is padded; equal items are
computed once.

With `store` vectors are kept on disk, each under a digest of all that it follows from: the
weights, the configuration, transformers' version, and what the model is given of the item. So
another checkpoint, tokenizer or text is another entry, and none is ever stale.
"""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pickle import UnpicklingError
from typing import Any, Generic, NamedTuple, TypeVar

import torch
from torch import Tensor

from emolit.compat.transformers import settings_without_source, version, why_not
from emolit.engine.tensor_store import TensorStore, digest
from emolit.engine.weights.checkpoint import check_there
from emolit.errors import NonFiniteError, PolicyError

Item = TypeVar("Item")
Inputs = Mapping[str, Tensor]


class Sound(NamedTuple):
    """What an audio model hears.

    Attributes:
        waveform: Mono. ``[samples]`` float32
        sampling_rate: In Hz.
    """

    waveform: Tensor
    sampling_rate: int


class FrozenModel(ABC, Generic[Item]):
    """A frozen transformers model.

    Args:
        checkpoint: A folder, or a hub id.
        batch_size: Items of one length that are computed together.
        store: Folder where vectors are kept between steps and runs; None keeps none.
    """

    auto_class: str
    """The class of transformers that opens the model."""
    reader_class: str
    """The class of transformers that makes its inputs."""
    optional: tuple[str, ...] = ()
    """Beginnings of the names of weights that may be missing, since nothing is read from them."""

    def __init__(self, checkpoint: str, batch_size: int = 32, store: str | None = None) -> None:
        self.checkpoint = checkpoint
        self.batch_size = batch_size
        self.store = None if store is None else TensorStore(store)

    def encode(self, items: Sequence[Item], device: torch.device | str = "cpu") -> Tensor:
        """Return a vector an item.

        Args:
            items: N texts or sounds.
            device: Where the model computes.

        Returns:
            On the host. ``[N, D]`` float32

        Raises:
            PolicyError: The checkpoint does not load.
            NonFiniteError: A vector has NaN or infinity, from weights that do.
        """
        return torch.stack(self.encode_each(items, device))

    def encode_each(
        self, items: Sequence[Item], device: torch.device | str = "cpu"
    ) -> list[Tensor]:
        """Return the same one by one, for models whose outputs are as long as their inputs."""
        inputs = [self.inputs(item) for item in items]
        keys = [digest(given) for given in inputs]
        missing = dict(zip(keys, inputs, strict=True))
        found = {key: vector for key in missing if (vector := self._kept(key)) is not None}
        shapes: dict[Any, list[str]] = defaultdict(list)
        for key in missing.keys() - found.keys():
            shapes[tuple(value.shape for value in missing[key].values())].append(key)
        for alike in shapes.values():
            alike.sort()  # a batch, and its rounding, does not depend on who asked first
            for start in range(0, len(alike), self.batch_size):
                some = alike[start : start + self.batch_size]
                vectors = self._vectors([missing[key] for key in some], torch.device(device))
                found.update(zip(some, vectors, strict=True))
                self._keep(some, vectors)
        return [found[key] for key in keys]

    @abstractmethod
    def inputs(self, item: Item) -> Inputs:
        """Return what the model is given of one item, ``[1, ...]`` each."""

    def compute(self, given: Inputs) -> Tensor:
        """Return the vectors of a batch of inputs, ``[B, D]``."""
        return self.read(self.model(**given)).float()

    @abstractmethod
    def read(self, output: Any) -> Tensor:
        """Return the vectors in what the model returns, ``[B, D]``."""

    @cached_property
    def reader(self) -> Any:
        """The tokenizer or feature extractor."""
        import transformers

        return self._load(getattr(transformers, self.reader_class))

    @property
    def model_class(self) -> Any:
        """The class that opens the model, ``auto_class`` by default."""
        import transformers

        return getattr(transformers, self.auto_class)

    @cached_property
    def model(self) -> Any:
        """The model, frozen.

        Raises:
            PolicyError: Weights are missing: they would be random.
        """
        with torch.random.fork_rng(devices=[]):
            settings = {"dtype": torch.float32, "output_loading_info": True, **self.opening()}
            model, info = self._load(self.model_class, **settings)
        missing = [name for name in info["missing_keys"] if not name.startswith(self.optional)]
        if missing:
            raise PolicyError(
                f"The checkpoint {self.checkpoint!r} lacks {len(missing)} weights of a "
                f"{type(model).__name__}, such as {sorted(missing)[0]!r}; they would be random. "
                "Use one that was trained for it."
            )
        return model.requires_grad_(False).eval()

    @cached_property
    def fingerprint(self) -> str:
        """Digest of all that a vector follows from besides the inputs."""
        config = settings_without_source(self.model.config)
        how = (type(self).__name__, version(), self.settings())
        return digest(how, config, self.model.state_dict())

    def settings(self) -> object:
        """Return the arguments that change vectors."""
        return None

    def opening(self) -> dict[str, Any]:
        """Return what of the checkpoint's configuration is set otherwise."""
        return {}

    def _load(self, factory: Any, **how: Any) -> Any:
        check_there(self.checkpoint)
        try:
            return factory.from_pretrained(self.checkpoint, trust_remote_code=False, **how)
        except (OSError, ValueError, RuntimeError, UnpicklingError) as error:
            raise PolicyError(
                f"No {factory.__name__} loads from the checkpoint {self.checkpoint!r} "
                f"({why_not(error)}); give a folder that transformers opens, or a hub id."
            ) from error

    @torch.no_grad()
    def _vectors(self, inputs: Sequence[Inputs], device: torch.device) -> Tensor:
        given = {name: torch.cat([each[name] for each in inputs]).to(device) for name in inputs[0]}
        self.model.to(device)
        with torch.autocast(device.type, enabled=False):
            vectors = self.compute(given).cpu()
        if not vectors.isfinite().all():
            raise NonFiniteError(
                f"the model {self.checkpoint!r} makes numbers that are NaN or infinite; take "
                "another checkpoint"
            )
        return vectors

    def _kept(self, key: str) -> Tensor | None:
        if self.store is None:
            return None
        entry = self.store.load(digest(self.fingerprint, key))
        return None if entry is None else entry["vector"]

    def _keep(self, keys: Iterable[str], vectors: Tensor) -> None:
        if self.store is not None:
            for key, vector in zip(keys, vectors, strict=True):
                self.store.save(digest(self.fingerprint, key), {"vector": vector})
