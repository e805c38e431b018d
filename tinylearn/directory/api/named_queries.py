"""Queries of the page: named ones with the values of their parameters, and whatever people write."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from tinylearn.directory import media, request_body
from tinylearn.directory.asking import Asking
from tinylearn.directory.problem import ProblemError
from tinylearn.directory.settings import Limits
from tinylearn.errors import BadInputError, UsageError
from tinylearn.registry.query import named
from tinylearn.registry.store.base import Term
from tinylearn.registry.td.json_text import read_json

ACCEPT = "application/sparql-results+json, application/n-triples"
_MOST_VALUES, _MOST_BYTES = 50, 2**18


def queries(_asked: QueryParams) -> dict[str, Any]:
    """All queries by name, with their parameters and texts."""
    return {"queries": [{**one.summary(), "text": one.text} for one in named.load_all()]}


@dataclass(frozen=True)
class Question:
    """``text``: SPARQL; ``values``: of its variables."""

    text: str
    values: dict[str, Term]


def question(body: bytes) -> Question:
    """JSON: ``query``, the text; or ``name`` of a query, ``values`` of its parameters, and ``query``
    where its text was changed. Raises ProblemError."""
    said = _read(body)
    text, name, values = said.get("query"), said.get("name"), said.get("values", {})
    if not isinstance(values, dict) or len(values) > _MOST_VALUES:
        raise ProblemError(400, "values: an object with a text for each parameter")
    if not all(isinstance(value, str) for value in values.values()):
        raise ProblemError(400, "values: each is a text")
    if name is None and isinstance(text, str):
        return Question(text, {})
    if not isinstance(name, str):
        raise ProblemError(400, "give a query, or the name of one")
    try:
        known = named.load(name)
        # what is left empty in a form is not given
        bound = known.values({key: value for key, value in values.items() if value.strip()})
    except UsageError as error:
        raise ProblemError(400, str(error)) from None
    return Question(text if isinstance(text, str) else known.text, bound)


def _read(body: bytes) -> dict[str, Any]:
    if len(body) > _MOST_BYTES:
        raise ProblemError(413, f"the request has more than {_MOST_BYTES:,} bytes")
    try:
        found, _ = read_json(body)
    except BadInputError as error:
        raise ProblemError(400, f"the request: {error}") from None
    if not isinstance(found, dict):
        raise ProblemError(400, "the request is no JSON object")
    return found


class Queries:
    """Runs them."""

    def __init__(self, asking: Asking, limits: Limits) -> None:
        self._asking, self._limits = asking, limits

    async def ask(self, request: Request) -> Response:
        """Rows as SPARQL JSON, triples as N-Triples; what was mended in Tinylearn-Notes, a JSON array."""
        media.check_content(request, (media.JSON,), "Accept-Post", default=False)
        asked = question(await request_body.read(request, self._limits))
        answer = await self._asking.ask(asked.text, asked.values, ACCEPT)
        notes = json.dumps(answer.notes, ensure_ascii=True)
        headers = {"Content-Type": answer.content_type, "Cache-Control": "no-cache",
                   "Tinylearn-Notes": notes}  # fmt: skip
        return Response(answer.body, 200, headers)
