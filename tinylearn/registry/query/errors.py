"""What can go wrong with a query.

TinylearnError
├── BadInputError
│   └── QueryRefusedError    not SPARQL, or asks for what nobody may ask for here
├── UsageError
│   └── NoSuchFormatError    the answer is not there in the format wanted
├── QueryTimeoutError        it took too long
├── QueryTooLargeError       too much memory, or too large an answer
├── QueryBusyError           too many others are asking
└── QueryFailedError         the engine failed
"""

from __future__ import annotations

from tinylearn.errors import BadInputError, TinylearnError, UsageError


class QueryRefusedError(BadInputError):
    """The query is not SPARQL 1.1, or asks for something that is not allowed. ``oversized``: for its
    length alone."""

    def __init__(self, message: str, oversized: bool = False) -> None:
        super().__init__(message)
        self.oversized = oversized


class NoSuchFormatError(UsageError):
    """Of the formats that were asked for, the answer has none."""


class QueryTimeoutError(TinylearnError):
    """The query was stopped."""


class QueryTooLargeError(TinylearnError):
    """The query took more memory, or has a larger answer, than it may."""


class QueryBusyError(TinylearnError):
    """Too many queries are waiting."""


class QueryFailedError(TinylearnError):
    """The engine failed; the query may be fine."""
