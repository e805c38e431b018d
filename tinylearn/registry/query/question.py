"""What a person asks on a command line: a query by name, from a file or as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tinylearn.errors import BadInputError, UsageError
from tinylearn.registry.query import named
from tinylearn.registry.query.formats import Format
from tinylearn.registry.query.formats import named as format_named
from tinylearn.registry.query.gate import admit
from tinylearn.registry.query.limits import Limits
from tinylearn.registry.query.meant import iri_meant
from tinylearn.registry.query.service import Answer, QueryService
from tinylearn.registry.store.base import Term
from tinylearn.registry.store.open import open_store


@dataclass(frozen=True)
class Question:
    """``text``: SPARQL; ``values``: of its variables."""

    text: str
    values: Mapping[str, Term]


def question(
    what: str | None, expression: str | None, given: Sequence[str],
    meant: Callable[[str, str], str] = lambda _, value: value,
) -> Question:  # fmt: skip
    """``what``: the name of a query, or a file; ``expression``: SPARQL in its place. ``given``: values
    of parameters, ``name=value``; ``meant``: from the name of a parameter that takes an IRI and what was
    typed to the IRI. Raises UsageError, BadInputError."""
    if (what is None) == (expression is None):
        raise UsageError("give one query: a name, a file or -e QUERY")
    values = _pairs(given)
    if what in named.names():
        query = named.load(what)
        iris = {p.name for p in query.parameters if p.kind == "iri"}
        return Question(query.text, query.values(
            {name: meant(name, value) if name in iris else value for name, value in values.items()}
        ))  # fmt: skip
    text = expression if what is None else _read(Path(what))
    return Question(text or "", {name: _guessed(name, value) for name, value in values.items()})


def answered(
    where: str, what: str | None, expression: str | None, given: Sequence[str], format: str,
    seconds: float,
) -> Answer:  # fmt: skip
    """The answer of the registry in a folder or at a URL, in a format by its name; ``table`` is the one
    that a table is made from."""
    question(
        what, expression, given, lambda *_: "urn:x"
    )  # what is wrong without a store is said first
    limits = replace(Limits(), seconds=seconds, workers=1, spare=0)
    store = open_store(where, create=False, read_only=True)
    try:
        asked = question(what, expression, given, partial(iri_meant, store))
        accept = _wanted_format(asked, format, limits).names[0]
        with QueryService(store, limits) as service:
            return service.ask(asked.text, asked.values, accept)
    finally:
        store.close()


def _wanted_format(asked: Question, name: str, limits: Limits) -> Format:
    is_graph = admit(asked.text, limits).form.is_graph
    of_form = {"table": ("json", "turtle"), "json": ("json", "jsonld")}
    return format_named(of_form[name][is_graph] if name in of_form else name, is_graph)


def _pairs(given: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    for name, equals, _ in pairs:
        if not equals:
            raise UsageError(f"--param {name}: give it as name=value")
    twice = next((name for name, count in Counter(p[0] for p in pairs).items() if count > 1), None)
    if twice is not None:
        raise UsageError(f"--param {twice}: is there more than once; give it one value")
    return {name: value for name, _, value in pairs}


def _guessed(name: str, value: str) -> Term:
    """Of a query that does not say: what looks like an IRI or a number is one."""
    for kind in ("integer", "number", "boolean", "iri"):
        try:
            return named.Parameter(name, kind, "").term(value)
        except UsageError:
            continue
    return named.Parameter(name, "text", "").term(value)


def _read(path: Path) -> str:
    most = Limits().text_bytes
    try:
        with path.open("rb") as file:
            return file.read(most + 1).decode("utf-8")
    except FileNotFoundError:
        there = ", ".join(named.names())
        raise UsageError(
            f"{path}: no such file, and no query of that name; there are {there}"
        ) from None
    except UnicodeDecodeError:
        raise BadInputError(f"{path}: is not UTF-8 text") from None
