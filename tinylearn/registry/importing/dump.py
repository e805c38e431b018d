"""Files that a registry has exported, as untrusted input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pyoxigraph import Literal, Quad, Triple

from tinylearn.errors import BadInputError
from tinylearn.registry.nesting import JSON, check_nesting
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.dataset_files import Contents, import_dataset
from tinylearn.registry.things import DOCUMENT


def import_dump(store: GraphStore, path: Path) -> Contents:
    """Puts the graphs of a TriG or N-Quads file into the store as they are: what is in it was checked
    and mended when it was registered first. Raises BadInputError where it is damaged; then the store
    is as before."""
    return import_dataset(store, path, check_quad)


def check_quad(path: Path, quad: Quad) -> None:
    """A Thing Description that is kept in a graph is given out again: it must be one, and of it."""
    name, document = quad.graph_name, quad.object
    if isinstance(quad.subject, Triple) or isinstance(document, Triple):
        raise BadInputError(f"{path}: {name}: a triple within a triple is not understood here")
    if quad.predicate != DOCUMENT:
        return
    content = _read(document.value) if isinstance(document, Literal) else None
    names = {str(name), str(quad.subject)}
    if not isinstance(content, dict) or names != {f"<{content.get('id')}>"}:
        raise BadInputError(f"{path}: {name}: its tl:document is no Thing Description with its id")


def _read(document: str) -> Any:
    """Parsed JSON, not so deep that who reads it again has no stack for it; None where it is none."""
    try:
        check_nesting(document.encode(), JSON)
        return json.loads(document)
    except (ValueError, BadInputError):
        return None
