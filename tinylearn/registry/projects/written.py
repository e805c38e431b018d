"""What a project's folder holds that a new one must not wipe out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from tinylearn.errors import UsageError

_YOURS = "sensors.c"


def check_sensors(folder: Path, files: Mapping[str, bytes]) -> None:
    """Raises UsageError where ``folder`` has a sensors.c that is another one than would be written, at
    whatever place its format has for it: it has been filled in, or is of another model."""
    fresh = {content for name, content in files.items() if PurePosixPath(name).name == _YOURS}
    for path in sorted(folder.rglob(_YOURS)) if folder.is_dir() else ():
        if path.read_bytes() not in fresh:
            raise UsageError(
                f"{path}: was filled in, or is of another model; move it away, choose another -o, or give "
                "--discard-sensors"
            )
