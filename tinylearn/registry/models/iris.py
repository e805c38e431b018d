"""IRIs of models, from what they are: the same file has the same IRI everywhere.

A model is named by the SHA-256 of the file that holds it: the `.keras` or `.tflite` file, or the
`<name>_graph.npz` of a generated project, which holds its network and what was chosen for it.
"""

from __future__ import annotations

import re

from pyoxigraph import NamedNode

_HEX = re.compile(r"[0-9a-f]{64}")


def is_sha256(value: object) -> bool:
    """Whether a value is a SHA-256 in hex."""
    return isinstance(value, str) and _HEX.fullmatch(value) is not None


def model_iri(sha256: str) -> NamedNode:
    """Of the model in the file of that hash."""
    return NamedNode(f"urn:tinylearn:model:sha256:{sha256}")


def software_iri(version: str) -> NamedNode:
    """Of a version of tinylearn."""
    return NamedNode(f"urn:tinylearn:software:{re.sub(r'[^0-9A-Za-z.+-]', '_', version[:40])}")


def part(iri: NamedNode, name: str) -> NamedNode:
    """Of something that a model consists of or says."""
    between = "/" if "#" in iri.value else "#"
    return NamedNode(f"{iri.value}{between}{re.sub(r'[^0-9A-Za-z._-]', '_', name)[:200]}")
