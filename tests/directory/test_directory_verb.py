"""`tinylearn serve` as it is begun and ended."""

from __future__ import annotations

import signal
import socket

import httpx
import pytest
from directory_process import run, start
from directory_service import created, visited
from support.waiting import until

UNFINISHED = (
    b"POST /things HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/td+json\r\n"
    b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n"
)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_verb_serves_until_it_is_told_to_end(tmp_path, number):
    process, url = start(tmp_path / "store")
    try:
        with httpx.Client(base_url=url) as client, client.stream("GET", "/events") as events:
            one = created(client)
            process.send_signal(number)
            assert one["id"] in "".join(events.iter_text()), "streams end in order"
        _, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert "Traceback" not in err
    finally:
        process.kill()
    with visited(tmp_path / "store") as (_, client):
        assert [thing["id"] for thing in client.get("/things").json()] == [one["id"]]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_waits_for_nobody(tmp_path, number):
    process, url = start(tmp_path / "store")
    address = ("127.0.0.1", int(httpx.URL(url).port or 0))
    try:
        with socket.create_connection(address, 20) as client:
            client.sendall(UNFINISHED)
            assert b"100" in client.recv(1000), "the service waits for the body"
            process.send_signal(number)
            until(lambda: not is_listening(address))
            assert process.poll() is None
            process.send_signal(number)
            _, err = process.communicate(timeout=30)
        assert process.returncode == 130 and err == "tinylearn serve: interrupted\n"
    finally:
        process.kill()


def is_listening(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, 5).close()
    except OSError:
        return False
    return True


def test_the_verb_refuses_what_is_not_safe(tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("# none\n")
    for options, says in (
        (["--host", "0.0.0.0"], "--token-file"),
        (["--token-file", str(tokens)], "no token"),
        (["--token-file", str(tmp_path / "none")], "none"),
        (["--read", "token"], "--token-file"),
        (["--cors", "example.org"], "--cors"),
    ):
        done = run("--store", str(tmp_path / "s"), "--port", "0", *options)
        assert done.returncode == 2, done.stderr
        assert says in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(("mode", "says"), [(0o640, "tokens: others"), (0o600, "")])
def test_tokens_that_others_can_read_are_told_of(tmp_path, mode, says):
    tokens = tmp_path / "tokens"
    tokens.write_text("secret\n")
    tokens.chmod(mode)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("--store", str(tmp_path / "s"), "--port", port, "--token-file", str(tokens))
    assert says in done.stderr and ("others" in done.stderr) == bool(says)
    assert "secret" not in done.stderr


def test_a_store_or_port_in_use_is_told_of(tmp_path):
    process, url = start(tmp_path / "s")
    try:
        same_store = run("--store", str(tmp_path / "s"), "--port", "0")
        assert same_store.returncode == 1 and "Traceback" not in same_store.stderr
        port = str(httpx.URL(url).port)
        same_port = run("--store", str(tmp_path / "other"), "--port", port)
        assert same_port.returncode == 6 and port in same_port.stderr
    finally:
        process.kill()
        process.communicate(timeout=20)
