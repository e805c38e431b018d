"""Queries by name: files of ``registry/queries``, with parameters that have types.

Comments at the top of a file say what it answers, and name its parameters, which are variables of the
query: ``# @param NAME TYPE: words``, or ``TYPE = DEFAULT``. TYPE is iri, text, integer, number, boolean,
or words that may be chosen, ``one|other``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pyoxigraph import Literal, NamedNode

from tinylearn.errors import UsageError
from tinylearn.registry.store.base import Term
from tinylearn.registry.vocabulary import PREFIXES, XSD

FOLDER = Path(__file__).resolve().parents[1] / "queries"
_PARAMETER = re.compile(r"@param (\w+) ([\w|]+)(?: = ([^:]+))?: (.+)")
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`\x00-\x20]+")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(
    r"[+-]?(?:[0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(?:[eE][+-]?[0-9]{1,3})?"
)
_SHOWN = 60


@dataclass(frozen=True)
class Parameter:
    """``kind``: see above. ``default``: None where a value must be given."""

    name: str
    kind: str
    help: str
    default: str | None = None

    @property
    def usage(self) -> str:
        """``name=kind``, and what it is if it is not given."""
        return f"{self.name}={self.kind}" + (f" ({self.default})" if self.default else "")

    def term(self, text: str) -> Term:
        """A value as an RDF term; raises UsageError."""
        if "|" in self.kind:
            if text not in self.kind.split("|"):
                raise self._wrong(text, f"one of {self.kind.replace('|', ', ')}")
            return Literal(text)
        return _TERMS[self.kind](self, text)

    def _wrong(self, text: str, wanted: str) -> UsageError:
        help = f"; give {self.help}" if self.help else ""
        return UsageError(f"parameter {self.name}: {text[:_SHOWN]!r} is not {wanted}{help}")

    def _iri(self, text: str) -> Term:
        prefix, _, rest = text.partition(":")
        full = PREFIXES[prefix] + rest if prefix in PREFIXES else text.strip("<>")
        try:
            if _IRI.fullmatch(full):
                return NamedNode(full)
        except ValueError:
            pass
        raise self._wrong(text, "an IRI, whole or with a prefix")

    def _text(self, text: str) -> Term:
        return Literal(text.encode("utf-8", "replace").decode())

    def _integer(self, text: str) -> Term:
        if not _INTEGER.fullmatch(text):
            raise self._wrong(text, "an integer")
        return Literal(text, datatype=NamedNode(XSD + "integer"))

    def _number(self, text: str) -> Term:
        if not _NUMBER.fullmatch(text):
            raise self._wrong(text, "a number")
        return Literal(
            text, datatype=NamedNode(XSD + ("double" if "e" in text.lower() else "decimal"))
        )

    def _boolean(self, text: str) -> Term:
        if text not in ("true", "false"):
            raise self._wrong(text, "true or false")
        return Literal(text == "true")


_TERMS: Mapping[str, Callable[[Parameter, str], Term]] = {
    "iri": Parameter._iri,
    "text": Parameter._text,
    "integer": Parameter._integer,
    "number": Parameter._number,
    "boolean": Parameter._boolean,
}


@dataclass(frozen=True)
class NamedQuery:
    """``help``: a sentence on what it answers."""

    name: str
    help: str
    parameters: tuple[Parameter, ...]
    text: str

    def summary(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "help": self.help,
            "parameters": [asdict(p) for p in self.parameters],
        }

    def values(self, given: Mapping[str, str]) -> dict[str, Term]:
        """Terms of all parameters; raises UsageError for one that is missing, wrong or unknown."""
        known = {parameter.name for parameter in self.parameters}
        for name in given:
            if name not in known:
                there = ", ".join(sorted(known)) or "none"
                raise UsageError(
                    f"query {self.name}: no parameter {name[:_SHOWN]!r}; it has {there}"
                )
        return {p.name: p.term(self._given(p, given)) for p in self.parameters}

    def _given(self, parameter: Parameter, given: Mapping[str, str]) -> str:
        text = given.get(parameter.name, parameter.default)
        if text is None:
            raise UsageError(
                f"query {self.name}: parameter {parameter.name} ({parameter.help}) is missing"
            )
        return text


def names() -> list[str]:
    """All there are, in order."""
    return sorted(path.stem for path in FOLDER.glob("*.rq"))


def load(name: str) -> NamedQuery:
    """Raises UsageError where there is none of that name."""
    there = names()
    if name not in there:
        raise UsageError(f"no query {name[:_SHOWN]!r}; there are {', '.join(there)}")
    text = (FOLDER / f"{name}.rq").read_text(encoding="utf-8")
    comments = re.findall(r"^# ?(.*)$", text, re.MULTILINE)
    found = [_PARAMETER.fullmatch(line) for line in comments if line.startswith("@param")]
    parameters = tuple(Parameter(m[1], m[2], m[4], m[3]) for m in found if m)
    return NamedQuery(name, comments[0], parameters, text)


def load_all() -> list[NamedQuery]:
    """In the order of their names."""
    return [load(name) for name in names()]
