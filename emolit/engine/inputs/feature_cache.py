"""A feature extractor that remembers on disk what it made of each clip."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from emolit.engine.tensor_store import TensorStore, digest


class StoredFeatures:
    """Stands in for a feature extractor; all but its call is the extractor's own.

    It remembers only where a clip's features cannot depend on its neighbors: with
    ``padding="max_length"``.

    Args:
        extractor: A feature extractor of transformers.
        store: Where features are kept, keyed by samples, settings and arguments.
    """

    def __init__(self, extractor: Any, store: TensorStore) -> None:
        self.extractor = extractor
        self.store = store
        self.settings = extractor.to_dict()

    def __getattr__(self, name: str) -> Any:
        """Return what the extractor has."""
        return getattr(self.extractor, name)

    def __call__(self, clips: Sequence[Any], **named: Any) -> Any:
        """Return the features of clips, those of each from the store or newly made."""
        if named.get("padding") != "max_length" or not isinstance(clips, list):
            return self.extractor(clips, **named)
        from transformers import BatchFeature

        rows = [self._row(clip, named) for clip in clips]
        whole = {name: torch.cat([row[name] for row in rows]).numpy() for name in rows[0]}
        return BatchFeature(whole, tensor_type=named.get("return_tensors"))

    def _row(self, clip: Any, named: dict[str, Any]) -> dict[str, Tensor]:
        key = digest("features", self.settings, named, torch.as_tensor(clip))
        found = self.store.load(key)
        if found is None:
            made = self.extractor([clip], **{**named, "return_tensors": "pt"})
            found = {name: torch.as_tensor(value) for name, value in made.items()}
            self.store.save(key, found)
        return found


@contextmanager
def in_float32() -> Iterator[None]:
    """Make features in float32, whatever precision the network runs in: they are cast once made."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.autocast("cpu", enabled=False):
            yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def stored_features(processor: Any, store: TensorStore | None) -> Iterator[None]:
    """Let a processor remember features while the block runs; not at all without a store."""
    if store is None:
        yield
        return
    extractor = processor.feature_extractor
    processor.feature_extractor = StoredFeatures(extractor, store)
    try:
        yield
    finally:
        processor.feature_extractor = extractor
