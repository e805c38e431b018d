"""Routes by method, with what HTTP wants of each: HEAD, OPTIONS, Allow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tinylearn.directory.problem import ProblemError

Endpoint = Callable[[Request], Awaitable[Response]]


def resource(path: str, methods: Mapping[str, Endpoint], more: Mapping[str, str] = {}) -> Route:
    """Answers the methods; HEAD as GET (the server leaves the body out), OPTIONS with what there
    is and ``more`` headers, others with 405."""
    known = dict(methods)
    if "GET" in known:
        known["HEAD"] = known["GET"]
    allow = {"Allow": ", ".join(sorted([*known, "OPTIONS"]))}

    async def endpoint(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={**allow, **more})
        if request.method not in known:
            what = f"{request.method} is not for this address, which takes {allow['Allow']}"
            raise ProblemError(405, what, (), allow)
        return await known[request.method](request)

    return Route(path, endpoint, methods=())
