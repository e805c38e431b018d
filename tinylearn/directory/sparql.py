"""A read-only endpoint of the SPARQL 1.1 Protocol (https://www.w3.org/TR/sparql11-protocol/), which is
also WoT Discovery's search by SPARQL (7.3.2.3.3)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from pyoxigraph import NamedNode
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tinylearn.directory import media, request_body
from tinylearn.directory.asking import Asking
from tinylearn.directory.problem import ProblemError
from tinylearn.directory.resource import resource
from tinylearn.directory.settings import Limits
from tinylearn.registry.query.engine import Graphs
from tinylearn.registry.query.formats import ANY
from tinylearn.registry.query.service import Answer

PATH = "/search/sparql"
_QUERY, _FORM = "application/sparql-query", "application/x-www-form-urlencoded"
_UPDATE = "application/sparql-update"
_DEFAULT, _NAMED = "default-graph-uri", "named-graph-uri"
_MOST_PARAMETERS = 1000


@dataclass(frozen=True)
class _Asked:
    query: str
    graphs: Graphs


class Sparql:
    """The endpoint.

    ``plain``: who does not say what it likes gets application/json or application/ld+json, as WoT
    Discovery wants it, and not what SPARQL clients ask for by name.
    """

    def __init__(self, asking: Asking, limits: Limits, plain: bool = False) -> None:
        self._asking = asking
        self._plain = plain
        self._limits = limits

    def routes(self, path: str = PATH) -> list[Route]:
        """GET, and POST of a form or of the query itself."""
        return [resource(path, {"GET": self._get, "POST": self._post})]

    async def _get(self, request: Request) -> Response:
        return await self._answered(request, _asked(_parameters(request.url.query)))

    async def _post(self, request: Request) -> Response:
        if _content_type(request) == _UPDATE:
            raise ProblemError(403, "this endpoint only reads; things are changed at /things")
        media.check_content(request, (_QUERY, _FORM), "Accept-Post", default=False)
        text = _text(await request_body.read(request, self._limits))
        if _content_type(request) == _FORM:
            return await self._answered(request, _asked(_parameters(text)))
        parameters = [("query", text), *_parameters(request.url.query)]
        return await self._answered(request, _asked(parameters))

    async def _answered(self, request: Request, asked: _Asked) -> Response:
        accept = ",".join(request.headers.getlist("accept")) or ANY
        plain = self._plain and media.SPARQL_JSON not in accept
        if plain and accept == ANY:
            accept = f"{media.LD}, {ANY};q=0.9"
        answer = await self._asking.ask(asked.query, {}, accept, asked.graphs)
        headers = _headers(answer)
        if plain and headers["Content-Type"] == media.SPARQL_JSON:
            headers["Content-Type"] = media.JSON
        return Response(answer.body, 200, headers)


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


def _headers(answer: Answer) -> dict[str, str]:
    # named by hand: a response adds a charset to every text type
    notes = {"Tinylearn-Note": "; ".join(answer.notes)} if answer.notes else {}
    return {
        "Content-Type": answer.content_type,
        "Cache-Control": "no-cache",
        "Vary": "Accept",
        **notes,
    }


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise ProblemError(400, "the query is not UTF-8") from None


def _parameters(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS
        )
    except UnicodeDecodeError:
        raise ProblemError(400, "the query is not UTF-8") from None
    except ValueError:
        raise ProblemError(400, f"more than {_MOST_PARAMETERS:,} parameters") from None


def _asked(parameters: list[tuple[str, str]]) -> _Asked:
    """Raises ProblemError unless there is exactly one query."""
    queries = [value for name, value in parameters if name == "query"]
    if any(name == "update" for name, _ in parameters):
        raise ProblemError(403, "this endpoint only reads; things are changed at /things")
    if len(queries) != 1:
        raise ProblemError(400, f"give one parameter query, not {len(queries)}")
    return _Asked(queries[0], Graphs(_graphs(parameters, _DEFAULT), _graphs(parameters, _NAMED)))


def _graphs(parameters: list[tuple[str, str]], parameter: str) -> tuple[NamedNode, ...]:
    try:
        return tuple(NamedNode(value) for name, value in parameters if name == parameter)
    except ValueError:
        raise ProblemError(400, f"{parameter}: not an IRI") from None
