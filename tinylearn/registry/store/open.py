"""Opens a store by its name."""

from __future__ import annotations

from pathlib import Path

from tinylearn.errors import UsageError
from tinylearn.registry.store.base import GraphStore


def is_url(where: str | Path) -> bool:
    """Whether this names an endpoint, not a folder."""
    return "://" in str(where)


def open_store(where: str | Path, *, create: bool = True, read_only: bool = False) -> GraphStore:
    """A folder, or the http(s) URL of a SPARQL 1.1 endpoint (see ``addresses``).

    ``create``: makes what is not there yet. ``read_only``: beside a process that writes; sees what was
    there when it was opened (an endpoint: what there is). Raises StoreError, UsageError.
    """
    if not is_url(where):
        from tinylearn.registry.store.embedded import EmbeddedStore

        return EmbeddedStore(Path(where), create, read_only)
    if not str(where).lower().startswith(("http://", "https://")):
        raise UsageError(f"{where}: is no folder and no http or https URL of a SPARQL endpoint")
    from tinylearn.registry.store.endpoint import EndpointStore

    return EndpointStore(str(where), read_only)
