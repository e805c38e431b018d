"""Questions in SPARQL, asked beside the event loop, and what HTTP says where there is no answer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from anyio import CapacityLimiter, sleep, to_thread

from tinylearn.directory.load import PAUSE_SECONDS
from tinylearn.directory.problem import ProblemError
from tinylearn.registry.query.engine import ALL_GRAPHS, Graphs
from tinylearn.registry.query.errors import (
    NoSuchFormatError,
    QueryBusyError,
    QueryFailedError,
    QueryRefusedError,
    QueryTimeoutError,
    QueryTooLargeError,
)
from tinylearn.registry.query.service import Answer, QueryService
from tinylearn.registry.store.base import Term

_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (NoSuchFormatError, 406),
    (QueryTimeoutError, 504),
    (QueryBusyError, 503),
    (QueryTooLargeError, 400),
    (QueryFailedError, 500),
)
_RETRY = {"Retry-After": "1"}


class Asking:
    """Queries that wait do not keep others waiting."""

    def __init__(self, service: QueryService) -> None:
        self._service = service
        most = service.limits
        self._threads = CapacityLimiter(most.workers + most.waiting)

    async def ask(
        self, query: str, values: Mapping[str, Term], accept: str, graphs: Graphs = ALL_GRAPHS
    ) -> Answer:
        """See QueryService.ask. Raises ProblemError; BadInputError for values that do not fit."""
        if self._threads.available_tokens <= 0:
            raise ProblemError(503, "too many queries are waiting; try again later", (), _RETRY)
        ask = partial(self._service.ask, query, values, accept, graphs)
        try:
            return await to_thread.run_sync(ask, limiter=self._threads)
        except QueryRefusedError as error:
            raise ProblemError(413 if error.oversized else 400, str(error)) from None
        except tuple(kind for kind, _ in _STATUS) as error:
            if isinstance(error, QueryTimeoutError | QueryTooLargeError):
                await sleep(PAUSE_SECONDS)
            raise _problem(error) from None


def _problem(error: Exception) -> ProblemError:
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    return ProblemError(status, str(error), (), _RETRY if status in (503, 504) else {})
