"""The samples of a whole fleet, from one file, as a project's model takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinylearn.device.host import open_device, read_info
from tinylearn.device.messages import Info
from tinylearn.device.stream import Stream, in_codes, matched
from tinylearn.device.stream_file import read_stream
from tinylearn.errors import BadInputError, UsageError
from tinylearn.files import npz

_LARGEST = 1 << 30


def read_samples(file: Path, project: Path) -> tuple[Stream, NDArray[Any] | None]:
    """x and y for the model of ``project``, and the column ``device`` [n] of an .npz that has one.
    Raises BadInputError, and UsageError where model and samples do not go together."""
    stream, owners = read_stream(file), _owners(file)
    if owners is not None and owners.shape != (len(stream),):
        raise BadInputError(f"{file}: device has shape {owners.shape}, not one entry a sample")
    with open_device("twin", project) as device:
        info = device.info()
    stream = matched(stream, info)
    check_learnable(stream, info)
    return in_codes(stream, read_info(project)["input"]), owners


def _owners(file: Path) -> NDArray[Any] | None:
    if file.suffix.lower() == ".csv":
        return None
    try:
        owners = npz.read(file, ("device",), _LARGEST).get("device")
    except BadInputError as error:
        raise BadInputError(f"{file}: device: {error}") from None
    if owners is not None and owners.dtype.kind not in "iubU":
        raise BadInputError(f"{file}: device is {owners.dtype}; give whole numbers or names")
    return owners


def check_learnable(stream: Stream, info: Info) -> None:
    """Raises UsageError where it has samples that a device refuses, or does not count: it would
    report late or never."""
    y = stream.labels if stream.labels is not None else stream.targets
    if not np.isfinite(stream.x).all() or (y is not None and not np.isfinite(y).all()):
        raise UsageError(f"{stream.name}: holds NaN or infinity, which no device learns")
    most = max(2, info.outputs)
    if stream.labels is not None and stream.labels.max() >= most:
        raise UsageError(f"{stream.name}: has label {stream.labels.max()}; model {info.name} knows "
                         f"0 to {most - 1}")  # fmt: skip
