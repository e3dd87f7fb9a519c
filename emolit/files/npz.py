"""The released ``.npz`` files of labels, read without running anything that they hold.

MERBench and EmotionTalk publish dicts of labels as pickles inside npz files. A pickle can call any
function that it names, so `numpy.load(…, allow_pickle=True)` is a door for strangers. Here it may
name what numpy needs to rebuild arrays, scalars and dtypes, and nothing else: what comes out is
made of dict, list, tuple, str, bytes, int, float, bool, None and numpy values.
https://docs.python.org/3/library/pickle.html#restricting-globals
"""

import lzma
import pickle
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np

from emolit.errors import CorpusError

CORES = ("numpy.core.multiarray", "numpy._core.multiarray")
"""Where numpy 1 and numpy 2 keep what rebuilds arrays and scalars."""
ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    **{(core, "_reconstruct"): np.zeros(0).__reduce__()[0] for core in CORES},
    **{(core, "scalar"): np.float64(0).__reduce__()[0] for core in CORES},
}
"""All that a pickle may name; by exact name, since dotted names would reach further."""
MALFORMED = (
    pickle.UnpicklingError, tokenize.TokenError, zlib.error, lzma.LZMAError, AttributeError,
    EOFError, ImportError, LookupError, MemoryError, OSError, OverflowError, RuntimeError,
    SyntaxError, SystemError, TypeError, ValueError,
)  # fmt: skip
"""What a damaged archive may raise: `zipfile`, what unpacks it, the header of an array, `pickle`;
by their documentation and by trial. NotImplementedError and RecursionError are RuntimeErrors."""
MOST = 1 << 28
"""Bytes of one array, unpacked: 256 MB. `zipfile` unpacks no more than the directory of an archive
promises."""
NO_VALUE = -10.0
"""What stands for a value that nobody gave."""


class _Admitting(pickle.Unpickler):
    """Unpickles plain values and numpy's."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what a pickle names.

        Raises:
            pickle.UnpicklingError: It is none of `ADMITTED`.
        """
        if (module, name) not in ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which labels do not need")
        return ADMITTED[module, name]


def read_archive(path: Path) -> dict[str, Any]:
    """Return what an npz file holds, by name; a pickled dict as that dict.

    Args:
        path: The file.

    Raises:
        CorpusError: It is missing, no npz file or damaged, would unpack to more than `MOST` bytes,
            or asks for more than plain values.
    """
    if not path.is_file():
        raise CorpusError(f"The archive {path} is missing. Get the release again.")
    try:
        with zipfile.ZipFile(path) as archive:
            _check_sizes(path, archive)
            return {name.removesuffix(".npy"): _entry(archive, name) for name in archive.namelist()}
    except (zipfile.BadZipFile, *MALFORMED) as error:
        raise CorpusError(
            f"The archive {path} was not opened: {error}. Get the file from its publisher again; "
            "do not unpickle it by other means."
        ) from error


def _check_sizes(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse an archive that would unpack to more than labels take."""
    for each in archive.infolist():
        if each.file_size > MOST:
            raise CorpusError(
                f"The archive {path} would unpack {each.filename!r} to {each.file_size} bytes; "
                f"labels take {MOST} at most. Get the file from its publisher again."
            )


def _entry(archive: zipfile.ZipFile, name: str) -> Any:
    """Return one array of an archive; an array of a single object as that object."""
    with archive.open(name) as file:
        if not _is_pickled(file):
            file.seek(0)
            return np.lib.format.read_array(file, allow_pickle=False)
        found = _Admitting(file).load()
    single = isinstance(found, np.ndarray) and found.shape == ()
    return found.item() if single else found


def _is_pickled(file: IO[bytes]) -> bool:
    """Read the header of an array; tell whether its values are Python objects, pickled after it."""
    version = np.lib.format.read_magic(file)
    header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    _, _, kind = header[version](file)
    return bool(kind.hasobject)


def read_labels(path: Path) -> dict[str, dict[str, tuple[Any, float | None]]]:
    """Return the labels of a MERBench archive: part, then clip, to its label and its value.

    The archive has a dict ``{"emo": label, "val": number}`` a clip in ``<part>_corpus``.

    Args:
        path: The file.

    Returns:
        ``emo`` as it is, and ``val`` as a number, None where it is -10, which means no value.

    Raises:
        CorpusError: `read_archive` refuses it, or it holds something else.
    """
    found: dict[str, dict[str, tuple[Any, float | None]]] = {}
    for part, labels in read_archive(path).items():
        try:
            values = {name: (row["emo"], float(row["val"])) for name, row in labels.items()}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise CorpusError(
                f"The archive {path} holds no labels of clips under {part!r} ({error!r}): expected "
                "{name: {'emo': …, 'val': …}}. Get the file again."
            ) from error
        found[part.removesuffix("_corpus")] = {
            name: (label, None if value == NO_VALUE else value)
            for name, (label, value) in values.items()
        }
    return found
