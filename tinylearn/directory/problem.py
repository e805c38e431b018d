"""Errors as problem documents (RFC 9457), with the field errors of WoT Discovery."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from tinylearn.errors import BadInputError, DeviceError, TinylearnError, UnsupportedError
from tinylearn.registry.store.errors import StoreError
from tinylearn.registry.td.problems import InvalidThingError

MEDIA_TYPE = "application/problem+json"
#: a document with a thousand mistakes is told of as many as help
_MOST_ERRORS = 100


@dataclass(frozen=True)
class FieldError:
    """What is wrong with which part of a Thing Description; ``(root)``: the whole."""

    field: str
    description: str


class ProblemError(Exception):
    """A request that is answered with an error."""

    def __init__(
        self, status: int, detail: str, errors: tuple[FieldError, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}


def invalid(errors: Iterable[FieldError], detail: str = "") -> ProblemError:
    """400 for a Thing Description with mistakes."""
    found = tuple(errors)
    text = detail or "the Thing Description is not valid: " + "; ".join(
        f"{error.field}: {error.description}" for error in found[:3]
    )
    return ProblemError(400, text, found)


def document(problem: ProblemError) -> dict[str, Any]:
    """The members of RFC 9457, and ``validationErrors``."""
    members: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.errors:
        members["validationErrors"] = [
            {"field": error.field, "description": error.description}
            for error in problem.errors[:_MOST_ERRORS]
        ]
    return members


def body(problem: ProblemError) -> bytes:
    """UTF-8; what cannot be encoded becomes a question mark."""
    text = json.dumps(document(problem), ensure_ascii=False)
    return text.encode("utf-8", "replace")


def response(problem: ProblemError) -> Response:
    """The answer."""
    return Response(body(problem), problem.status, dict(problem.headers), MEDIA_TYPE)


def of_error(error: Exception) -> ProblemError:
    """What a client is told of an error of the project or of the framework."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, HTTPException):
        return ProblemError(error.status_code, _of_routing(error), (), error.headers or {})
    if isinstance(error, InvalidThingError):
        return invalid(FieldError(p.field or "(root)", p.message) for p in error.problems)
    if isinstance(error, BadInputError):
        return ProblemError(400, str(error))
    if isinstance(error, UnsupportedError):
        return ProblemError(501, str(error))
    if isinstance(error, ClientDisconnect):
        return ProblemError(400, "the request was not sent to its end")
    if isinstance(error, (StoreError, DeviceError)):
        return ProblemError(503, "the store does not answer; try again later")
    return ProblemError(500, "the service failed to answer this; its log says why")


def _of_routing(error: HTTPException) -> str:
    if error.status_code == 404:
        return "there is nothing at this address"
    if error.status_code == 405:
        return "this address does not know that method; Allow says which it knows"
    return str(error.detail)


async def handle(_request: Request, error: Exception) -> Response:
    """For the framework: any error becomes a problem document."""
    return response(of_error(error))


HANDLED: tuple[type[Exception], ...] = (
    ProblemError, HTTPException, TinylearnError, ClientDisconnect,
)  # fmt: skip
