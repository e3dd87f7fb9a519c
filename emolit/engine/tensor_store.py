"""Tensors on disk, keyed by all that they follow from; what is stale or damaged is made again.

An entry is a safetensors file, memory-mapped when read, whose name is the digest of its key and
whose header holds a checksum of its values. A changed waveform, setting or weight is another key; a
file that is cut or altered does not fit its checksum. Writing goes beside and is then renamed.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from uuid import uuid4

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from emolit.files.modes import apply_umask


class TensorStore:
    """A folder of entries.

    Args:
        folder: Where entries lie; it is made when the first one is saved.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.made = 0
        """Entries that were computed, since they were missing, stale or damaged."""
        self.open = True
        """Whether entries are looked up and kept; not while sound is heard that comes once."""

    def file_of(self, key: str) -> Path:
        """Return the file of an entry."""
        return self.folder / key[:2] / f"{key}.safetensors"

    def load(self, key: str) -> dict[str, Tensor] | None:
        """Return an entry; None where there is none that can be used."""
        if not self.open:
            return None
        try:
            with safe_open(self.file_of(key), framework="pt") as file:
                found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                checksum = (file.metadata() or {}).get("checksum")
        except (OSError, SafetensorError):
            return None
        return found if checksum == digest(found) else None

    def save(self, key: str, tensors: Mapping[str, Tensor]) -> None:
        """Write an entry, whole or not at all."""
        if not self.open:
            return
        self.made += 1
        place = self.file_of(key)
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_name(f".{place.name}.{uuid4().hex}")
        kept = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        try:
            save_file(kept, beside, metadata={"checksum": digest(kept)})
            apply_umask(beside)
            beside.replace(place)
        finally:
            beside.unlink(missing_ok=True)


def digest(*things: object) -> str:
    """Return a checksum of values: tensors by type, shape and bytes, others as JSON."""
    state = hashlib.blake2b(digest_size=20)
    for thing in things:
        for part in _parts(thing):
            state.update(len(part).to_bytes(8, "little"))
            state.update(part)
    return state.hexdigest()


def _parts(thing: object) -> Iterable[bytes]:
    if isinstance(thing, Tensor):
        yield f"{thing.dtype} {tuple(thing.shape)}".encode()
        flat = thing.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        yield flat.numpy().tobytes()
    elif isinstance(thing, Mapping):
        for name in sorted(thing):
            yield str(name).encode()
            yield from _parts(thing[name])
    else:
        yield json.dumps(thing, sort_keys=True, default=str).encode()
