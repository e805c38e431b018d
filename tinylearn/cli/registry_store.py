"""The store that verbs of ``tinylearn registry`` work on."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinylearn.registry.store.base import GraphStore


@contextmanager
def opened(args: argparse.Namespace, *, create: bool = False) -> Iterator[GraphStore]:
    """The store of --store; without ``create`` for reading only, beside whoever writes."""
    from tinylearn.registry.store.open import open_store

    store = open_store(args.store, create=create, read_only=not create)
    try:
        yield store
    finally:
        store.close()
