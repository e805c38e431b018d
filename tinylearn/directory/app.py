"""The service as an ASGI application: what answers at which address."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute

from tinylearn.directory import page, problem, well_known
from tinylearn.directory.api import routes as api
from tinylearn.directory.api.live import Live
from tinylearn.directory.asking import Asking
from tinylearn.directory.auth import Guard
from tinylearn.directory.draft import Happened
from tinylearn.directory.event_log import EventLog
from tinylearn.directory.events import Events
from tinylearn.directory.jsonpath_pool import JsonPathPool
from tinylearn.directory.listing import Listing
from tinylearn.directory.load import Load
from tinylearn.directory.registrar import Registrar
from tinylearn.directory.search import Search
from tinylearn.directory.settings import Settings
from tinylearn.directory.shelf import Shelf
from tinylearn.directory.sparql import PATH as SPARQL
from tinylearn.directory.sparql import Sparql
from tinylearn.directory.things import Things
from tinylearn.registry.query.service import QueryService
from tinylearn.registry.store.base import GraphStore

_log = logging.getLogger(__name__)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_SENT = ("Authorization", "Content-Type", "If-Match", "If-None-Match", "Last-Event-ID")
_SEEN = ("ETag", "Link", "Location", "Content-Location", "WWW-Authenticate")
#: things expire at the moment they say; they leave the store so much later, at most
_PURGE_SECONDS = 1.0


def create_app(store: GraphStore, settings: Settings, more: Sequence[BaseRoute] = ()) -> Starlette:
    """``more``: routes beside those of the directory; one of SPARQL's address takes its place. The
    store stays the caller's to close, after the application's lifespan has ended.

    ``app.state``: ``registrar``, ``events``, ``settings``, ``closing`` (what ends with it). Raises
    UsageError for settings that are not safe, and what reading the store raises.
    """
    settings.check()
    limits = settings.limits
    log = EventLog(limits.history_events, limits.history_bytes)
    live = Live(store, lambda: registrar.epoch())

    def tell(happened: Sequence[Happened]) -> None:
        live.note(happened)
        log.tell(happened)

    registrar = Registrar(Shelf(store), tell)
    pool = JsonPathPool(limits)
    closing = contextlib.ExitStack()
    closing.callback(live.close)
    closing.callback(registrar.close)
    has_sparql = any(getattr(route, "path", None) == SPARQL for route in more)
    asking = None if has_sparql else _asking(store, closing)
    routes = [
        *Things(registrar, Listing(registrar), limits).routes(),
        *Events(log, limits.subscribers).routes(),
        *Search(registrar, pool, limits).routes(),
        *well_known.routes(settings),
        *([] if asking is None else Sparql(asking, limits, plain=True).routes()),
        *page.routes(),
        *api.routes(store, live, asking, limits),
        *more,
    ]
    handlers: dict[Any, Any] = dict.fromkeys((*problem.HANDLED, Exception), problem.handle)
    app = Starlette(routes=routes, middleware=_around(settings), exception_handlers=handlers,
                    lifespan=_lifespan)  # fmt: skip
    app.router.redirect_slashes = False
    app.state.registrar, app.state.events, app.state.settings = registrar, log, settings
    app.state.pool, app.state.closing, app.state.live = pool, closing, live
    return app


def _asking(store: GraphStore, closing: contextlib.ExitStack) -> Asking:
    return Asking(closing.enter_context(QueryService(store)))


def _around(settings: Settings) -> list[Middleware]:
    """From the outside in."""
    cors = Middleware(
        CORSMiddleware, allow_origins=settings.origins, allow_methods=_METHODS,
        allow_headers=_SENT, expose_headers=_SEEN,
    )  # fmt: skip
    load = Middleware(Load, most=settings.limits.requests)
    return [load, *([cors] if settings.origins else []), Middleware(Guard, settings=settings)]


@contextlib.asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    purging = asyncio.create_task(_purge(app.state.registrar))
    warming = asyncio.create_task(asyncio.to_thread(app.state.live.warm))
    try:
        yield
    finally:
        purging.cancel()
        app.state.events.close()
        await warming  # it reads from the store, which is closed next
        await app.state.pool.close()
        await asyncio.to_thread(app.state.closing.close)


async def _purge(registrar: Registrar) -> None:
    """Removes what has expired, soon after."""
    while True:
        await asyncio.sleep(_PURGE_SECONDS)
        due = registrar.next_expiry()
        if due is None or due > registrar.now():
            continue
        try:
            await asyncio.wrap_future(registrar.purge())
        except Exception as error:
            _log.error("what has expired could not be removed: %s", error)
