"""What the verbs of ``tinylearn registry`` have in common."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinylearn.registry.store.base import GraphStore


@contextmanager
def opened(
    args: argparse.Namespace, create: bool = False, read_only: bool = False
) -> Iterator[GraphStore]:
    """The store of ``--store``, closed at the end. ``read_only``: also beside a process that writes."""
    from tinylearn.registry.store.open import open_store

    store = open_store(args.store, create=create, read_only=read_only)
    try:
        yield store
    finally:
        store.close()
