"""All mends in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from pyoxigraph import NamedNode, Triple

from tinylearn.registry.seloc import affordances, iris, layers, literals, sizes, terms
from tinylearn.registry.seloc.defects import Defect, Found

#: each: triples of one thing -> better ones; names before all that looks for them
MENDS: tuple[Callable[[list[Triple], Found], list[Triple]], ...] = (
    iris.mend_names,
    iris.mend_placeholders,
    terms.mend_terms,
    literals.mend_literals,
    layers.mend_layers,
    affordances.report_forms,
    affordances.mend_affordances,
    sizes.mend_sizes,
    sizes.mend_core,
    sizes.report_sizes,
)


@dataclass(frozen=True)
class Mended:
    """A thing without what was wrong; its own IRI may have been."""

    iri: NamedNode
    triples: list[Triple]
    defects: list[Defect]


def mended(iri: NamedNode, triples: Iterable[Triple], file: str = "") -> Mended:
    """``triples``: all of one thing; ``file``: where they are from."""
    name = NamedNode(iris.better(iri.value))
    found, better = Found(name.value), list(triples)
    for mend in MENDS:
        better = mend(better, found)
    return Mended(name, better, [replace(defect, file=file) for defect in found.defects])
