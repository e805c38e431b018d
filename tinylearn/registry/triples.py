"""An index over the triples of one description, for reading nested forms."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from tinylearn.registry.store.base import Term
from tinylearn.registry.vocabulary import TYPE

Node = NamedNode | BlankNode


class Description:
    """Triples by subject and predicate. What is asked for and not there is nothing, not an error;
    triples about triples are not looked at."""

    def __init__(self, triples: Iterable[Triple]):
        self._objects: dict[Term, dict[NamedNode, list[Term]]] = defaultdict(dict)
        for triple in triples:
            subject, value = triple.subject, triple.object
            if not isinstance(subject, Triple) and not isinstance(value, Triple):
                self._objects[subject].setdefault(triple.predicate, []).append(value)

    def objects(self, subject: Term, *predicates: NamedNode) -> list[Term]:
        """Values of any of the predicates."""
        known = self._objects.get(subject, {})
        return [value for predicate in predicates for value in known.get(predicate, ())]

    def nodes(self, subject: Term, *predicates: NamedNode) -> list[Node]:
        """The values that are resources."""
        found = self.objects(subject, *predicates)
        return [value for value in found if isinstance(value, (NamedNode, BlankNode))]

    def literal(self, subject: Term, *predicates: NamedNode) -> Literal | None:
        """The first literal value, of the first predicate that has one."""
        found = self.objects(subject, *predicates)
        return next((value for value in found if isinstance(value, Literal)), None)

    def text(self, subject: Term, *predicates: NamedNode) -> str | None:
        """The text of the first literal value."""
        literal = self.literal(subject, *predicates)
        return None if literal is None else literal.value

    def number(self, subject: Term, *predicates: NamedNode) -> float | None:
        """The first literal value as a number; None where it is none."""
        return number(self.literal(subject, *predicates))

    def truth(self, subject: Term, predicate: NamedNode) -> bool | None:
        """An xsd:boolean."""
        return {"true": True, "1": True, "false": False, "0": False}.get(
            self.text(subject, predicate) or ""
        )

    def types(self, subject: Term) -> set[str]:
        """IRIs of the classes of a resource."""
        return {t.value for t in self.objects(subject, TYPE) if isinstance(t, NamedNode)}

    def subjects(self, of_class: str | None = None) -> Iterator[Node]:
        """Everything that something is said of; of one class."""
        for subject in self._objects:
            if not isinstance(subject, (NamedNode, BlankNode)):
                continue
            if of_class is None or of_class in self.types(subject):
                yield subject

    def below(self, subject: Term, *predicates: NamedNode) -> Iterator[Node]:
        """What the predicates lead to, at any depth, each resource once."""
        seen: set[Term] = {subject}
        waiting = self.nodes(subject, *predicates)
        while waiting:
            node = waiting.pop(0)
            if node not in seen:
                seen.add(node)
                yield node
                waiting += self.nodes(node, *predicates)


def number(literal: Literal | None) -> float | None:
    """A literal as a number, whatever its datatype; None where it is none or not finite."""
    if literal is None or len(literal.value) > 64:
        return None
    try:
        value = float(literal.value)
    except ValueError:
        return None
    return value if abs(value) < 1e300 else None
