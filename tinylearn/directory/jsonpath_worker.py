"""A process that answers JSONPath queries (RFC 9535): asked on stdin, told on stdout; killed by its
parent when it takes too long, and by the system's clock where that parent is gone. Imports nothing of the
project, so that it starts quickly.

A question is a line {"query", "results", "bytes", "documents", "seconds"} (all but the first are bounds), lines
with a document each, and an empty line. The answer is one line: {"found": [..]}, or {"wrong"} for a query that is
none, or {"large"} for an answer or a question beyond a bound. Before the first question it says that it
is ready.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from jsonpath import JSONPath, JSONPathEnvironment, JSONPathError
from jsonpath.segments import JSONPathChildSegment, JSONPathRecursiveDescentSegment
from jsonpath.selectors import Filter, NameSelector, WildcardSelector

_MEMORY = 2**30
#: after the time at which its parent ends it
_GRACE_SECONDS = 2.0


class TooLargeError(Exception):
    """Beyond a bound; says of what."""


def by_document(path: JSONPath) -> bool:
    """Whether the results of all documents are those of each, one after another: so it is where the
    first segment takes each element for itself."""
    if not path.segments or str(path).count("$") > 1:
        return False
    first = path.segments[0]
    if len(first.selectors) != 1:
        return False
    if isinstance(first, JSONPathChildSegment):
        return isinstance(first.selectors[0], (Filter, WildcardSelector))
    named = isinstance(first.selectors[0], NameSelector)
    return isinstance(first, JSONPathRecursiveDescentSegment) and named


def results(path: JSONPath, lines: Iterable[bytes], most_bytes: int) -> Iterator[Any]:
    """Values, in the order of the documents."""
    if by_document(path):
        for line in lines:
            yield from (match.obj for match in path.finditer([json.loads(line)]))
        return
    documents, size = [], 0
    for line in lines:
        size += len(line)
        if size > most_bytes:
            raise TooLargeError("this query needs all things at once, and there are too many: "
                                "begin it with $[*] or $[?..]")  # fmt: skip
        documents.append(json.loads(line))
    yield from (match.obj for match in path.finditer(documents))


def answer(question: dict[str, Any], lines: Iterable[bytes]) -> bytes:
    """JSON, one line."""
    try:
        path = JSONPathEnvironment(strict=True).compile(question["query"])
        if not isinstance(path, JSONPath):
            return _line({"wrong": "is not one query"})
        return _found(results(path, lines, question["documents"]), question)
    except TooLargeError as error:
        return _line({"large": str(error)})
    except JSONPathError as error:
        return _line({"wrong": str(error).splitlines()[0] if str(error) else "cannot be read"})
    except (RecursionError, MemoryError):
        return _line({"large": "this query is too deep"})


def _found(values: Iterable[Any], bounds: dict[str, Any]) -> bytes:
    texts, size = [], 0
    for value in values:
        texts.append(json.dumps(value, ensure_ascii=True, separators=(",", ":")))
        size += len(texts[-1]) + 1
        if len(texts) > bounds["results"] or size > bounds["bytes"]:
            raise TooLargeError("there are too many results: ask for less")
    return f'{{"found":[{",".join(texts)}]}}\n'.encode()


def _line(said: dict[str, str]) -> bytes:
    return json.dumps(said).encode() + b"\n"


def _documents(source: BinaryIO) -> Iterator[bytes]:
    while line := source.readline().strip():
        yield line


def main() -> None:
    """Until stdin ends."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sink.write(b"ready\n")
    sink.flush()
    while line := source.readline():
        question, documents = json.loads(line), _documents(source)
        signal.setitimer(signal.ITIMER_REAL, question["seconds"] + _GRACE_SECONDS)
        told = answer(question, documents)
        for _ in documents:
            pass  # the rest of the question
        signal.setitimer(signal.ITIMER_REAL, 0)
        sink.write(told)
        sink.flush()


if __name__ == "__main__":
    main()
