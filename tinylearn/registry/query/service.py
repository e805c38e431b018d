"""Answers queries of people nobody has vouched for, over a store; threads may share it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType, TracebackType
from typing import Self

from tinylearn.errors import UnsupportedError
from tinylearn.registry.query.binding import bound
from tinylearn.registry.query.engine import ALL_GRAPHS, Engine, Graphs
from tinylearn.registry.query.formats import ANY, Format, negotiated
from tinylearn.registry.query.gate import Form, admit
from tinylearn.registry.query.limits import Limits
from tinylearn.registry.query.local import LocalEngine
from tinylearn.registry.query.remote import RemoteEngine
from tinylearn.registry.store.base import GraphStore, Term
from tinylearn.registry.store.embedded import EmbeddedStore
from tinylearn.registry.store.endpoint import EndpointStore

_LIMITS = Limits()
_NO_VALUES: Mapping[str, Term] = MappingProxyType({})


@dataclass(frozen=True)
class Answer:
    """``body`` in a format, which ``content_type`` names for HTTP. ``notes``: what was mended in the
    query."""

    form: Form
    format: Format
    body: bytes
    notes: tuple[str, ...] = ()

    @property
    def content_type(self) -> str:
        """With the charset where the type has one."""
        return self.format.content_type


class QueryService:
    """Queries pass the gate, then run where they can be stopped."""

    def __init__(self, store: GraphStore, limits: Limits = _LIMITS) -> None:
        self.limits = limits
        self._engine = _engine(store, limits)

    def ask(
        self, query: str, values: Mapping[str, Term] = _NO_VALUES, accept: str = ANY,
        graphs: Graphs = ALL_GRAPHS,
    ) -> Answer:  # fmt: skip
        """The answer in the format that ``accept``, as in HTTP, likes best. ``values``: of variables
        of the query. Raises what errors.py lists."""
        admitted = admit(query, self.limits)
        format = negotiated(accept, admitted.form.is_graph)
        body = self._engine.run(bound(admitted, values), format, graphs)
        return Answer(admitted.form, format, body, admitted.notes)

    def close(self) -> None:
        """Ends the workers, and what they run."""
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()


def _engine(store: GraphStore, limits: Limits) -> Engine:
    if isinstance(store, EmbeddedStore):
        return LocalEngine(store, limits)
    if isinstance(store, EndpointStore):
        return RemoteEngine(store, limits)
    raise UnsupportedError(f"queries over a {type(store).__name__}")
