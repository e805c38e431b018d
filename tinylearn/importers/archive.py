"""Reads the members of a `.keras` file, which is a zip archive that nobody has vouched for.

Only the two members that are needed are unpacked, into memory, and never more bytes of them
than the limits below. Nothing is written and no name from the archive becomes a path.
"""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from tinylearn.errors import BadInputError, UnsupportedError

CONFIG = "config.json"
WEIGHTS = "model.weights.h5"

MAX_FILE_BYTES = 512 << 20
MAX_CONFIG_BYTES = 8 << 20
MAX_WEIGHTS_BYTES = 256 << 20
MAX_MEMBERS = 1000
MAX_DIRECTORY_BYTES = 1 << 20
#: Keras stores its members; a recompressed archive of real weights stays far below this
MAX_RATIO = 100
RATIO_FLOOR_BYTES = 1 << 20

_ZIP_ERRORS = (
    zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, OverflowError,
    RuntimeError, struct.error, LookupError, NotImplementedError,
)  # fmt: skip
_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"
_ZIP64_LOCATOR = b"PK\x06\x07"
_LEGACY = (
    (b"\x89HDF\r\n\x1a\n", "is a legacy HDF5 model"),
    (b"\x80\x04", "is a Python pickle, which tinylearn never opens"),
)
_CONVERT = "convert it once: keras.models.load_model(old).save('model.keras'), where it was trained"


@dataclass(frozen=True)
class Archive:
    """The members of a `.keras` file that describe a model."""

    config: bytes
    weights: bytes


def read(path: Path) -> Archive:
    """Config and weights of a `.keras` file; raises BadInputError or UnsupportedError."""
    try:
        if not path.is_file():
            raise BadInputError(_not_a_file(path))
        with path.open("rb") as file:
            return _read_open(file)
    except OSError as error:
        raise BadInputError(f"cannot be read: {error.strerror or error}") from None


def _not_a_file(path: Path) -> str:
    if path.is_dir():
        return f"is a directory, not a .keras file; a SavedModel: {_CONVERT}"
    return "does not exist"


def _read_open(file: io.BufferedReader) -> Archive:
    _check_start(file)
    _check_directory(file)
    try:
        with zipfile.ZipFile(file) as archive:
            members = _members(archive)
            return Archive(
                _unpack(archive, members, CONFIG, MAX_CONFIG_BYTES),
                _unpack(archive, members, WEIGHTS, MAX_WEIGHTS_BYTES),
            )
    except _ZIP_ERRORS as error:
        raise BadInputError(f"is damaged: {_printable(str(error))}") from None


def _check_start(file: io.BufferedReader) -> None:
    start = file.read(8)
    if not start:
        raise BadInputError("is empty, not a .keras file")
    for magic, what in _LEGACY:
        if start.startswith(magic):
            raise UnsupportedError(f"{what}; {_CONVERT}")
    if start[4:8] == b"TFL3":
        raise UnsupportedError("is a TensorFlow Lite model, not a .keras file; name it .tflite")
    if not start.startswith(b"PK"):
        raise BadInputError("is not a .keras file (a zip archive saved by Keras 3)")


def _check_directory(file: io.BufferedReader) -> None:
    """Bounds what zipfile will allocate: it reads the whole directory before it returns."""
    size = file.seek(0, os.SEEK_END)
    if size > MAX_FILE_BYTES:
        raise BadInputError(f"has {size} bytes; more than {MAX_FILE_BYTES} are not read")
    file.seek(max(0, size - _END.size - 0xFFFF))
    tail = file.read()
    at = tail.rfind(_END_SIGNATURE)
    if at < 0 or len(tail) - at < _END.size:
        raise BadInputError("is damaged or cut short: the zip directory is missing")
    _check_end(tail, at)
    file.seek(0)


def _check_end(tail: bytes, at: int) -> None:
    _, _, _, _, entries, directory_bytes, _, _ = _END.unpack_from(tail, at)
    if _ZIP64_LOCATOR in tail[max(0, at - 20) : at]:
        raise UnsupportedError("is a zip64 archive: no model for a microcontroller is that large")
    if entries > MAX_MEMBERS or directory_bytes > MAX_DIRECTORY_BYTES:
        raise BadInputError(f"has {entries} members; more than {MAX_MEMBERS} are not read")


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        _check_name(info.filename)
        if info.filename in members:
            raise BadInputError(f"has two members named {_printable(info.filename)}")
        members[info.filename] = info
    return members


def _check_name(name: str) -> None:
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]:
        raise BadInputError(f"has a member outside the archive: {_printable(name)}")


def _unpack(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], name: str, limit: int
) -> bytes:
    if name not in members:
        raise BadInputError(_missing(members, name))
    info = members[name]
    _check_sizes(info, limit)
    with archive.open(info) as member:
        data = member.read(info.file_size + 1)
        # reading past the end makes zipfile check the CRC
        if len(data) != info.file_size or member.read(1):
            raise BadInputError(f"is damaged: {name} has not the size that the directory says")
    return data


def _missing(members: dict[str, zipfile.ZipInfo], name: str) -> str:
    if name == WEIGHTS and "model.weights.npz" in members:
        return f"keeps its weights as npz; {_CONVERT} with the default weights format"
    return f"has no member {name}: not a model saved by Keras 3 as .keras"


def _check_sizes(info: zipfile.ZipInfo, limit: int) -> None:
    if info.flag_bits & 1:
        raise UnsupportedError(f"is encrypted: {info.filename} cannot be read")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnsupportedError(f"packs {info.filename} by a method other than stored or deflate")
    if info.file_size > limit:
        raise BadInputError(
            f"declares {info.file_size} bytes for {info.filename}; at most {limit} are read"
        )
    if info.file_size > max(RATIO_FLOOR_BYTES, MAX_RATIO * info.compress_size):
        raise BadInputError(
            f"is a decompression bomb: {info.filename} has {info.compress_size} bytes "
            f"packed and declares {info.file_size}"
        )


def _printable(text: str) -> str:
    """A name or message from the archive, fit to be shown."""
    return repr(text[:80])
