"""Words of tinylearn's own namespace that its ontology does not have: nothing would ever read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache

from pyoxigraph import NamedNode, RdfFormat, Triple, parse

from tinylearn.registry.ontology import read
from tinylearn.registry.seloc.defects import Defect
from tinylearn.registry.vocabulary import TL, TYPE


def unknown_terms(thing: NamedNode, triples: Iterable[Triple], file: str) -> Iterator[Defect]:
    """Each predicate and class once, with the one that was probably meant."""
    used = {t.object if t.predicate == TYPE else t.predicate for t in triples}
    names = {
        n.value.removeprefix(TL)
        for n in used
        if isinstance(n, NamedNode) and n.value.startswith(TL)
    }
    for name in sorted(names - _known()):
        near = get_close_matches(name[:100], sorted(_known()), 1)
        mend = f"left as it is; did you mean tl:{near[0]}?" if near else "left as it is"
        yield Defect(thing.value, "no term of tinylearn's", f"tl:{name[:100]}", mend, file)


@cache
def _known() -> frozenset[str]:
    triples = parse(read("tinylearn.ttl"), RdfFormat.TURTLE)
    subjects = {t.subject.value for t in triples if isinstance(t.subject, NamedNode)}
    return frozenset(iri.removeprefix(TL) for iri in subjects if iri.startswith(TL))
