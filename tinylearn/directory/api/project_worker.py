"""A process that makes one project: asked on stdin, told on stdout, killed by its parent when it takes
too long. The model file that it reads is not trusted.

The question is a line of JSON: {"where", "model", "device", "mode", "format", "target", "softFloat",
"memory", "seconds"} (the last two are bounds). The answer is a line of JSON, {"name"} with the zip
archive behind it, or {"status", "detail"}.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

from tinylearn.directory.api.archive import zipped
from tinylearn.errors import DoesNotFitError, TinylearnError, UnsupportedError
from tinylearn.registry.models.facts import Mode
from tinylearn.registry.projects.make import Wanted, project
from tinylearn.registry.store.embedded import EmbeddedStore

REFUSED, UNKNOWN, FAILED = 422, 501, 500


def made(asked: dict[str, Any]) -> tuple[str, bytes]:
    """The project's name and its archive."""
    wanted = Wanted(
        Mode(asked["mode"]), asked["format"], asked["target"], allow_soft_float=asked["softFloat"]
    )
    store = EmbeddedStore(Path(asked["where"]), create=False, read_only=True)
    try:
        found = project(store, asked["model"], asked["device"], wanted)
    finally:
        store.close()
    return found.name, zipped(found.name, found.files)


def answer(asked: dict[str, Any]) -> bytes:
    """What is written to stdout."""
    try:
        name, archive = made(asked)
    except DoesNotFitError as error:
        return _said({"status": REFUSED, "detail": str(error)})
    except UnsupportedError as error:
        return _said({"status": UNKNOWN, "detail": str(error)})
    except TinylearnError as error:
        return _said({"status": REFUSED, "detail": str(error)})
    except (MemoryError, RecursionError):
        return _said({"status": REFUSED, "detail": "the model is too large to be generated here"})
    return _said({"name": name}) + archive


def _said(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode() + b"\n"


def main() -> None:
    """One question."""
    asked = json.loads(sys.stdin.buffer.readline())
    resource.setrlimit(resource.RLIMIT_AS, (asked["memory"], asked["memory"]))
    resource.setrlimit(resource.RLIMIT_CPU, (asked["seconds"], asked["seconds"] + 1))
    sys.stdout.buffer.write(answer(asked))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
