"""NumPy's .npz archives: arrays without Python objects, in memory that their content, not their
headers, decides on."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinylearn.errors import BadInputError

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_MAGIC = b"\x93NUMPY"
_MEMBER = ".npy"


def read(path: Path, names: Collection[str], most: int) -> dict[str, NDArray[Any]]:
    """Those of the named arrays that the archive has, read-only.

    Raises BadInputError where it is damaged, no archive of arrays, or unpacks to over ``most`` bytes.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) == _MAGIC:
                raise BadInputError(
                    "is a single array, not a .npz; save it by np.savez(path, x=..., y=...)"
                )
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > most:
                raise BadInputError(f"unpacks to more than {most} bytes; split it")
            found = [name for name in names if name + _MEMBER in archive.namelist()]
            return {name: array(archive.read(name + _MEMBER)) for name in found}
    except BadInputError:
        raise
    except Exception as error:  # damaged bytes make zipfile, zlib and NumPy raise anything
        raise BadInputError(f"cannot be read as .npz: {error}") from None


def array(content: bytes) -> NDArray[Any]:
    """The array of a .npy file; raises all sorts of exceptions where it is damaged."""
    file = io.BytesIO(content)
    shape, by_columns, dtype = _HEADERS[np.lib.format.read_magic(file)](file)
    if dtype.hasobject:
        raise ValueError("Python objects are not loaded (NumPy's allow_pickle); save numbers")
    if min(shape, default=0) < 0:
        raise ValueError(f"array of shape {shape}")
    if 0 in shape:
        return np.zeros(shape, dtype)
    values = np.frombuffer(content, dtype, offset=file.tell())
    return np.require(values.reshape(shape, order="F" if by_columns else "C"), requirements="A")
