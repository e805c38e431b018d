"""Where a model comes from and what was made of it, by PROV-O, in whatever graphs that is said."""

from __future__ import annotations

from typing import Any

from pyoxigraph import Literal, NamedNode

from tinylearn.directory.api.texts import clipped
from tinylearn.registry.store.base import GraphStore, Row
from tinylearn.registry.vocabulary import DCTERMS, PROV, RDFS, tl

_MOST, _LONGEST = 200, 2048
_DERIVED, _GENERATED, _LABEL = (
    f"<{PROV}wasDerivedFrom>", f"<{PROV}wasGeneratedBy>", f"<{RDFS}label>",
)  # fmt: skip
_BEFORE = f"""SELECT DISTINCT ?made ?from ?label ?activity {{
  {{ SELECT DISTINCT ?made {{ ?of {_DERIVED}* ?made }} LIMIT {_MOST} }}
  ?made {_DERIVED} ?from .
  OPTIONAL {{ ?from {_LABEL} ?label }} OPTIONAL {{ ?made {_GENERATED} ?activity }} }} LIMIT {_MOST}"""
_VERSIONS = f"""SELECT DISTINCT ?version ?number ?label ?round ?reports {{
  ?version <{DCTERMS}isVersionOf> ?of ; {tl("version")} ?number .
  OPTIONAL {{ ?version {_LABEL} ?label }}
  OPTIONAL {{ ?version {_GENERATED} ?made . OPTIONAL {{ ?made {tl("round")} ?round }}
    OPTIONAL {{ ?made {tl("reports")} ?reports }} }} }} ORDER BY DESC(?number) ?version LIMIT {_MOST}"""


def lineage(store: GraphStore, model: NamedNode) -> dict[str, Any]:
    """``from``: steps back to what it was made from; ``versions``: what fleets have learnt, the newest
    first, the last of them if there are many."""
    before = store.select(_BEFORE.replace("?of ", f"{model} "))
    versions = store.select(_VERSIONS.replace("?of ", f"{model} "))
    return {
        "from": [_texts(row, ("made", "from", "label", "activity")) for row in before],
        "versions": [
            _texts(row, ("version", "number", "label", "round", "reports")) for row in versions
        ],
    }


def _texts(row: Row, names: tuple[str, ...]) -> dict[str, str | None]:
    found = {name: row.get(name) for name in names}
    return {name: clipped(term.value, _LONGEST) if isinstance(term, (NamedNode, Literal)) else None
            for name, term in found.items()}  # fmt: skip
