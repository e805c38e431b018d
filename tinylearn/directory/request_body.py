"""Reads a request's body, so much of it and no longer."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from tinylearn.directory.problem import ProblemError
from tinylearn.directory.settings import Limits


async def read(request: Request, limits: Limits) -> bytes:
    """Raises ProblemError: 413 before more than ``limits.body`` bytes are kept, 408 where it comes
    too slowly."""
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said) > limits.body:
        raise _too_large(limits)
    try:
        async with asyncio.timeout(limits.body_seconds):
            return await _all_of(request, limits)
    except TimeoutError:
        close = {"Connection": "close"}
        raise ProblemError(408, "the body came too slowly", (), close) from None


async def _all_of(request: Request, limits: Limits) -> bytes:
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > limits.body:
            raise _too_large(limits)
    return bytes(found)


def _too_large(limits: Limits) -> ProblemError:
    return ProblemError(413, f"the body has more than {limits.body:,} bytes")
