"""Of a process that runs Python with the packages that this one has."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGES = Path(__file__).resolve().parents[2]


def environment(**settings: str) -> dict[str, str]:
    """Our own, with ``settings``. For ``python -P -m tinylearn...``, wherever that is started."""
    path = os.pathsep.join(filter(None, (str(_PACKAGES), os.environ.get("PYTHONPATH"))))
    return {**os.environ, **settings, "PYTHONPATH": path}
