"""Endpoints that misbehave, and how an endpoint is found from a URL."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from graphs import device
from support.sparql_server import SparqlServer

from tinylearn.errors import UsageError
from tinylearn.registry.store import endpoint
from tinylearn.registry.store.addresses import addresses
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.endpoint import EndpointStore
from tinylearn.registry.store.errors import AnswerTooLargeError, StoreError
from tinylearn.registry.store.http import Bounds
from tinylearn.registry.store.open import open_store

EMPTY = b'{"head":{"vars":["s","p","o"]},"results":{"bindings":[]}}'
BOUNDS = Bounds(connect_s=2, answer_s=0.5, answer_bytes=1 << 20)


def answer(
    body: bytes, status: str = "200 OK", headers: str = "", length: int | None = None
) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{headers}\r\n".encode() + body


class Liar:
    """A server that gives ``answers`` to one request after the other, the last again and again."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.requests: list[bytes] = []
        self.answers: list[bytes | Callable[[socket.socket], None]] = []
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def end(self) -> None:
        self._ended.set()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                link, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(link,), daemon=True).start()

    def _one(self, link: socket.socket) -> None:
        with link:
            link.settimeout(5)
            try:
                while request := self._request(link):
                    self.requests.append(request)
                    wanted = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                    if callable(wanted):
                        wanted(link)
                        return
                    link.sendall(wanted)
            except OSError:
                return

    def _request(self, link: socket.socket) -> bytes:
        got = b""
        while b"\r\n\r\n" not in got:
            piece = link.recv(65536)
            if not piece:
                return b""
            got += piece
        head, _, body = got.partition(b"\r\n\r\n")
        size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < size:
            body += link.recv(65536)
        return head + b"\n" + body


@pytest.fixture
def liar() -> Iterator[Liar]:
    server = Liar()
    yield server
    server.end()


def opened(liar: Liar, *answers: bytes | Callable[[socket.socket], None]) -> EndpointStore:
    """A store on an honest answer, then what follows."""
    liar.answers = [answer(EMPTY), *answers]
    return EndpointStore(liar.url, bounds=BOUNDS)


ROWS = b'{"head":{"vars":["s","p","o"]},"results":{"bindings":[' + b",".join(
    [
        b'{"s":{"type":"uri","value":"urn:a"},"p":{"type":"uri","value":"urn:b"},"o":{"type":"uri","value":"urn:c"}}'
    ]
    * 3
)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (answer(ROWS), "was cut off"),
        (answer(ROWS + b"]}"), "was cut off"),
        (answer(ROWS[:-4]), "was cut off"),
        (lambda link: link.sendall(answer(ROWS, length=len(ROWS) + 3)), "was cut off"),
        (lambda link: link.sendall(CHUNKED + b"5\r\n" + ROWS[:5] + b"\r\n"), "was cut off"),
        (lambda link: link.sendall(CHUNKED + b"50\r\n" + ROWS[:5]), "was cut off"),
        (lambda link: link.sendall(CHUNKED + b"zz\r\n"), "was cut off"),
        (answer(b"<html>welcome</html>"), "is no SPARQL result in JSON"),
        (answer(b"\xff\xfe"), "is no SPARQL result in JSON"),
        (answer(b"[" * 50), "is no SPARQL result in JSON"),
        (answer(b"[" * 100_000), "the answer, line 1: is nested more than 64 levels deep"),
        (answer(ROWS.replace(b"urn:a", b"no iri") + b"]}}"), "is no SPARQL result in JSON"),
        (answer(ROWS.replace(b'"p":{"type":"uri","value":"urn:b"},', b"") + b"]}}"), "not those of a SPARQL"),
        (answer(b"no", "500 Server Error"), r"answers 500 at /query \(no\)"),
        (answer(b"", "302 Found", "Location: http://x.test/\r\n"), "answers 302"),
        (answer(b"", "401 Unauthorized"), "user and password"),
        (answer(b"", "403 Forbidden"), "does not allow"),
        (answer(b"", "404 Not Found"), "no SPARQL endpoint at /query; name its base"),
        (lambda link: link.sendall(b"SSH-2.0-OpenSSH\r\n"), "was cut off"),
        (lambda link: link.sendall(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000), "was cut off"),
        (lambda link: None, "does not answer"),
        (lambda link: time.sleep(1), "no whole answer within 0.5 s"),
    ],
)  # fmt: skip
def test_bad_answers_are_told(liar: Liar, bad: bytes, problem: str) -> None:
    store = opened(liar, bad)
    with pytest.raises(StoreError, match=f"^{liar.url}: .*{problem}"):
        store.graph(device(1)[0])
    store.close()


def drip(link: socket.socket) -> None:
    link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        link.sendall(b" ")
        time.sleep(0.05)


def drip_headers(link: socket.socket) -> None:
    for letter in b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 1000:
        link.sendall(bytes([letter]))
        time.sleep(0.05)


@pytest.mark.parametrize("slow", [drip, drip_headers])
def test_an_answer_byte_by_byte_does_not_take_for_ever(
    liar: Liar, slow: Callable[..., None]
) -> None:
    store = opened(liar, slow)
    with pytest.raises(StoreError, match="no whole answer within"):
        store.graph(device(1)[0])
    store.close()


def endless(link: socket.socket) -> None:
    link.sendall(CHUNKED)
    while True:
        link.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")


@pytest.mark.parametrize("large", [endless, answer(b" " * (2 << 20))])
def test_an_answer_without_end_is_not_kept(liar: Liar, large: bytes) -> None:
    store = opened(liar, large)
    with pytest.raises(AnswerTooLargeError, match="larger than 1,048,576 B"):
        store.graph(device(1)[0])
    store.close()


def test_a_closed_connection_is_opened_again(liar: Liar) -> None:
    store = opened(liar, lambda link: None, answer(EMPTY))
    assert store.graph(device(1)[0]) == []
    assert len(liar.requests) == 3
    store.close()


def test_an_update_that_fails_says_so(liar: Liar) -> None:
    store = opened(liar, answer(b"disk full", "507 Insufficient Storage"))
    with pytest.raises(StoreError, match=r"answers 507 at /update \(disk full"):
        store.upsert(dict([device(1)]))
    store.close()


def test_nobody_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(
        StoreError, match=f"http://127.0.0.1:{port}: cannot be reached .*is the server"
    ):
        open_store(f"http://127.0.0.1:{port}")


def test_the_password_is_sent_and_not_shown(liar: Liar) -> None:
    liar.answers = [answer(b"", "401 Unauthorized")]
    with pytest.raises(StoreError) as found:
        open_store(liar.url.replace("http://", "http://me:s%40cret@"))
    assert "s%40cret" not in str(found.value) and "s@cret" not in str(found.value)
    assert b"Authorization: Basic bWU6c0BjcmV0" in liar.requests[0]


# ---- a real server ----


def test_large_graphs_are_read_in_fewer_at_a_time(sparql_server: SparqlServer) -> None:
    sparql_server.update("DROP ALL")
    small = EndpointStore(sparql_server.url, bounds=Bounds(answer_bytes=6000))
    small.upsert(dict(map(device, range(30))))
    assert len(list(small.quads())) == 120
    smaller = EndpointStore(sparql_server.url, bounds=Bounds(answer_bytes=400))
    with pytest.raises(AnswerTooLargeError):
        list(smaller.quads())
    small.close()
    smaller.close()


def test_a_server_that_runs_out_of_time() -> None:
    """Oxigraph then cuts its answer off, after status 200."""
    server = SparqlServer("--timeout-s", "1")
    store = open_store(server.url)
    store.upsert(dict(map(device, range(300))))
    with pytest.raises(StoreError, match=server.url):
        store.select("SELECT ?a (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } GROUP BY ?a")
    assert len(store.names()) == 300
    store.close()
    server.stop()


def test_a_default_graph_that_is_no_union_is_told(
    sparql_server: SparqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "_UNION", {})
    sparql_server.update("DROP ALL")
    store = open_store(sparql_server.url)
    with pytest.raises(StoreError, match="default graph is not the union of all graphs; start"):
        store.upsert(dict([device(1)]))
    store.close()
    with pytest.raises(StoreError, match="default graph is not the union"):
        open_store(sparql_server.url)


def test_stores_of_two_processes_count_on_from_each_other(sparql_server: SparqlServer) -> None:
    sparql_server.update("DROP ALL")
    stores: list[GraphStore] = [open_store(sparql_server.url) for _ in range(2)]
    for number in range(6):
        stores[number % 2].upsert(dict([device(number)]))
    assert [store.revision() for store in stores] == [6, 6]
    for store in stores:
        store.close()


# ---- URLs ----


@pytest.mark.parametrize(
    ("url", "query", "update"),
    [
        ("http://h:7878", "/query", "/update"),
        ("http://h:7878/", "/query", "/update"),
        ("https://h/ds", "/ds/query", "/ds/update"),
        ("http://h/ds/sparql", "/ds/sparql", "/ds/update"),
        ("http://h/query", "/query", "/update"),
        ("http://h/repositories/r", "/repositories/r", "/repositories/r/statements"),
    ],
)
def test_where_an_endpoint_is(url: str, query: str, update: str) -> None:
    found = addresses(url)
    assert (found.query, found.update, found.host) == (query, update, "h")
    assert found.port == (443 if url.startswith("https") else 7878 if ":7878" in url else 80)


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http://h:x",
        "http://h:99999",
        "http://h/?q=1",
        "http://h/#a",
        "http://[h",
        "http://h/a b",
        "http://h/ä",
    ],
)
def test_urls_that_make_no_sense(url: str) -> None:
    with pytest.raises(UsageError):
        open_store(url)
