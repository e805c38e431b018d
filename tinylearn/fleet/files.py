"""Files that are there whole or not at all, and those that only their owner may read."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinylearn.errors import BadInputError, UsageError

_MOST_BYTES = 1 << 20


def write_whole(path: Path, content: str | bytes, mode: int = 0o600, durable: bool = True) -> None:
    """Replaces a file in one step; it never has more rights than ``mode``. Unless ``durable``, the
    caller sees to it that it is on disk."""
    data = content.encode() if isinstance(content, str) else content
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, mode)
            file.write(data)
            file.flush()
            if durable:
                os.fsync(handle)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_small(path: Path, most: int = _MOST_BYTES) -> str:
    """The text of a file of at most ``most`` bytes. Raises BadInputError."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise BadInputError(f"{path}: longer than {most:,} bytes, so not what it should be")
        return data.decode()
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise BadInputError(f"{path}: not a text file") from None


def read_secret(path: Path) -> str:
    """As ``read_small``, but refuses a file that group or others have rights to (UsageError)."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read ({error.strerror})") from None
    if mode & 0o077:
        raise UsageError(
            f"{path}: holds a secret, but its mode {mode:04o} lets others at it; chmod 600 {path}"
        )
    return read_small(path)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One process at a time changes what is in ``folder``."""
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
