"""Who may read what was written: whoever the user's umask lets in, as with any other file.

safetensors 0.8 writes through a temporary file that nobody but its owner can read, so that on a
shared cluster colleagues could not open a checkpoint.
"""

import os
from pathlib import Path


def apply_umask(place: Path) -> None:
    """Give a file, or all safetensors below a folder, the mode of an ordinary new file.

    Args:
        place: The file or folder.
    """
    mask = os.umask(0o077)
    os.umask(mask)
    for path in place.rglob("*.safetensors") if place.is_dir() else [place]:
        path.chmod(0o666 & ~mask)
