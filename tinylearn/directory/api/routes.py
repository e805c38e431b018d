"""Addresses of the page's API; all of them only read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tinylearn import __version__
from tinylearn.directory.api.answers import Threads
from tinylearn.directory.api.live import Live
from tinylearn.directory.api.matches import Matches
from tinylearn.directory.api.models import Models
from tinylearn.directory.api.named_queries import Queries, queries
from tinylearn.directory.api.projects import Projects, choices
from tinylearn.directory.api.roll import Kind
from tinylearn.directory.api.things import Things
from tinylearn.directory.asking import Asking
from tinylearn.directory.resource import resource
from tinylearn.directory.settings import Limits
from tinylearn.registry.store.base import GraphStore

#: asked with POST, changes nothing
QUERY = "/api/query"
_THREADS = 4
Answer = Callable[[QueryParams], Any]


def routes(store: GraphStore, live: Live, asking: Asking | None, limits: Limits) -> list[Route]:
    """``asking``: None where nobody may ask in SPARQL."""
    threads, things, models = Threads(_THREADS), Things(store, live), Models(store, live)
    answers: dict[str, Answer] = {
        "overview": partial(_overview, live),
        "devices": things.devices,
        "things": things.things,
        "device": things.one,
        "sensors": things.sensors,
        "models": models.page,
        "model": models.one,
        "match": Matches(live).answer,
        "queries": queries,
        "choices": choices,
    }
    found = [resource(f"/api/{name}", {"GET": _get(threads, one)}) for name, one in answers.items()]
    found.append(resource("/api/project", {"GET": Projects(store, limits).get}))
    if asking is not None:
        found.append(resource(QUERY, {"POST": Queries(asking, limits).ask}))
    return found


def _get(threads: Threads, answer: Answer) -> Callable[[Request], Any]:
    async def get(request: Request) -> Response:
        return await threads.answer(partial(answer, request.query_params))

    return get


def _overview(live: Live, _asked: QueryParams) -> dict[str, Any]:
    """How much there is."""
    roll = live.view().roll
    return {"version": __version__, **{f"{kind}s": roll.count(kind) for kind in Kind}}
