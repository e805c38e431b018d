"""SPARQL updates of the stores, as text. One update is one transaction (SPARQL 1.1 Update, 2.2).

The registry keeps a graph of its own, which tells its revision and is no device's or model's. What has been
loaded in bulk since that number was written counts as one more for each part, in whatever order parts come in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, Triple

from tinylearn.errors import BadInputError
from tinylearn.registry.vocabulary import XSD, tl

#: the registry itself, and the name of its own graph
REGISTRY = NamedNode("urn:tinylearn:registry")
_REVISION = tl("revision")
_LOADED = tl("loadedPart")
_TOLD = f"GRAPH {REGISTRY} {{ {REGISTRY} ?told ?before }}"
_KNOWN = f"GRAPH {REGISTRY} {{ {REGISTRY} {_REVISION} ?known }}"
_PARTS = f"GRAPH {REGISTRY} {{ {REGISTRY} {_LOADED} ?part }}"
_COUNTED = f"""{{ SELECT (COALESCE(MAX(?known), 0) AS ?last) WHERE {{ {_KNOWN} }} }}
  {{ SELECT (COUNT(?part) AS ?parts) WHERE {{ {_PARTS} }} }}"""
#: one row, ``revision``: 0 where nothing was written yet
READ_REVISION = f"SELECT (?last + ?parts AS ?revision) WHERE {{ {_COUNTED} }}"
_NEXT_REVISION = f"""DELETE {{ {_TOLD} }}
INSERT {{ GRAPH {REGISTRY} {{ {REGISTRY} {_REVISION} ?next }} }}
WHERE {{
  {_COUNTED}
  BIND(?last + ?parts + 1 AS ?next)
  OPTIONAL {{ {_TOLD} }}
}}"""


def loaded_part() -> bytes:
    """What tells, beside the quads of one part of a bulk load, that it came in: a line of N-Quads."""
    return f"{Quad(REGISTRY, _LOADED, BlankNode(), REGISTRY)} .\n".encode()


def set_revision_text(revision: int) -> str:
    """An update that only sets the revision."""
    number = Literal(str(revision), datatype=NamedNode(XSD + "integer"))
    told = f"GRAPH {REGISTRY} {{ {REGISTRY} {_REVISION} {number} }}"
    return f"DROP SILENT GRAPH {REGISTRY} ;\nINSERT DATA {{ {told} }}"


def upsert_text(
    graphs: Mapping[NamedNode, Iterable[Triple]], deleted: Iterable[NamedNode] = ()
) -> str:
    """An update that replaces and deletes graphs and raises the revision by one."""
    inserted = [_data(number, *item) for number, item in enumerate(graphs.items())]
    parts = [f"DROP SILENT GRAPH {check_name(name)}" for name in (*deleted, *graphs)]
    if any(inserted):
        parts.append("INSERT DATA {\n" + "".join(inserted) + "}")
    return " ;\n".join([*parts, _NEXT_REVISION])


def check_name(name: object) -> NamedNode:
    """Raises BadInputError where ``name`` cannot be that of a device or a model."""
    if not isinstance(name, NamedNode):
        raise BadInputError(
            f"{name}: is not the name of a graph; each device and each model is one graph, named by "
            "its IRI"
        )
    if name == REGISTRY:
        raise BadInputError(f"{name.value}: is the registry's own graph; name another one")
    return name


def _data(number: int, name: NamedNode, triples: Iterable[Triple]) -> str:
    """The graph's part of INSERT DATA. Labels of blank nodes are new: they may be anything in RDF,
    and mean the whole update in SPARQL."""
    labels: dict[BlankNode, str] = {}

    def text(term: object) -> str:
        if isinstance(term, BlankNode):
            return labels.setdefault(term, f"_:g{number}b{len(labels)}")
        if isinstance(term, Triple):
            raise BadInputError(
                f"{name.value}: holds a triple about a triple; write it as plain RDF"
            )
        return str(term)

    lines = [f"{text(s)} {text(p)} {text(o)} .\n" for s, p, o in triples]
    return f"GRAPH {name} {{\n{''.join(lines)}}}\n" if lines else ""
