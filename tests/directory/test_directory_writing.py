"""Many writers at a time, writes that fail, and what is on the disk when a client has been told."""

from __future__ import annotations

import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from directory_process import start
from directory_service import TD_JSON, created, new_id, patch, put, td, visited
from support.waiting import until

from tinylearn.directory.draft import Draft
from tinylearn.directory.registrar import Registrar
from tinylearn.directory.shelf import Shelf
from tinylearn.directory.writer import Writer
from tinylearn.errors import BadInputError, DeviceError
from tinylearn.registry.store.errors import StoreError
from tinylearn.registry.store.open import open_store

WRITERS, EACH = 8, 10


def test_concurrent_patches_lose_nothing(service):
    with httpx.Client(base_url=service.url) as client:
        one = created(client, tag={})

    def write(writer: int) -> None:
        with httpx.Client(base_url=service.url, timeout=30) as client:
            for number in range(EACH):
                answer = patch(client, one["id"], {"tag": {f"{writer}.{number}": 1}})
                assert answer.status_code == 204, answer.text

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    with httpx.Client(base_url=service.url) as client:
        assert len(client.get(f"/things/{one['id']}").json()["tag"]) == WRITERS * EACH


def test_of_concurrent_conditional_writers_one_at_a_time_wins(service):
    """Each adds 1 to a number, and begins anew where another was quicker."""
    with httpx.Client(base_url=service.url) as client:
        one = created(client, count=0)

    def add(_writer: int) -> None:
        with httpx.Client(base_url=service.url, timeout=30) as client:
            for _ in range(3):
                while True:
                    seen = client.get(f"/things/{one['id']}")
                    thing = {**one, "count": seen.json()["count"] + 1}
                    code = put(client, thing, **{"If-Match": seen.headers["etag"]}).status_code
                    assert code in (204, 412)
                    if code == 204:
                        break

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(4)))
    with httpx.Client(base_url=service.url) as client:
        assert client.get(f"/things/{one['id']}").json()["count"] == 12


def test_of_concurrent_creators_of_one_thing_one_creates_it(service):
    identifier = new_id()

    def create(writer: int) -> int:
        return httpx.put(
            f"{service.url}/things/{identifier}", json=td(identifier, writer=writer),
            headers={"Content-Type": TD_JSON, "If-None-Match": "*"},
        ).status_code  # fmt: skip

    with ThreadPoolExecutor(WRITERS) as pool:
        codes = sorted(pool.map(create, range(WRITERS)))
    assert codes == [201] + [412] * (WRITERS - 1)


def test_what_cannot_be_written_takes_nothing_with_it(tmp_path):
    """urn:tinylearn:registry is the name of the store's own graph."""
    with visited(tmp_path / "s") as (found, client):
        registrar = found.server.config.app.state.registrar
        bodies = [td("urn:tinylearn:registry"), *(td(f"urn:x:{i}") for i in range(5))]
        blocked = threading.Event()
        first = registrar._writer.submit(lambda _draft: blocked.wait(20))
        asked = [
            registrar.put(body["id"], json.dumps(body).encode(), lambda _: None) for body in bodies
        ]
        blocked.set()
        assert first.result(20)
        with pytest.raises(Exception, match="urn:tinylearn:registry"):
            asked[0].result(20)
        assert all(one.result(20).is_new for one in asked[1:])
        assert len(client.get("/things").json()) == 5
        assert put(client, td("urn:tinylearn:registry")).status_code in (400, 409)


class BrokenShelf(Shelf):
    """Writes nothing while it is broken."""

    is_broken = False

    def write(self, changes):
        if self.is_broken:
            raise StoreError("no space left on device")
        super().write(changes)


def test_a_store_that_fails_is_told_of_and_forgotten(tmp_path):
    store = open_store(tmp_path / "s")
    told: list[object] = []
    shelf = BrokenShelf(store)
    registrar = Registrar(shelf, told.extend)
    try:
        shelf.is_broken = True
        with pytest.raises(StoreError):
            registrar.create(json.dumps(td()).encode()).result(20)
        assert told == [] and registrar.page(0, None, "id", False).total == 0
        shelf.is_broken = False
        put_it = registrar.create(json.dumps(td()).encode()).result(20)
        assert registrar.page(0, None, "id", False).ids == [put_it.entry.id]
        assert len(told) == 1
    finally:
        registrar.close()
        store.close()


def test_the_answer_of_a_broken_store_is_a_problem_document(tmp_path):
    with visited(tmp_path / "s") as (found, client):
        one = created(client)
        registrar = found.server.config.app.state.registrar
        broken = BrokenShelf(found.store)
        broken.is_broken = True
        registrar._shelf = broken
        answer = put(client, one)
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert "space" not in answer.text, "what is wrong inside is for the log"


def test_what_others_write_to_the_store_is_listed(tmp_path):
    with visited(tmp_path / "s") as (found, client):
        one = created(client)
        other = Registrar(Shelf(found.store), lambda happened: None)
        body = td("urn:x:of-another")
        other.put("urn:x:of-another", json.dumps(body).encode(), lambda _: None).result(20)
        other.close()
        two = created(client)
        listed = {thing["id"] for thing in client.get("/things").json()}
        assert listed == {one["id"], two["id"], "urn:x:of-another"}


def test_a_writer_that_has_ended_takes_nothing():
    writer = Writer(lambda: Draft(None, None), lambda draft: None)
    assert writer.submit(lambda draft: 5).result(20) == 5
    writer.close()
    writer.close()
    with pytest.raises(DeviceError):
        writer.submit(lambda draft: 5)


def test_changes_are_made_together_and_each_sees_those_before_it():
    commits: list[int] = []
    draft_of: list[Draft] = []

    def begin() -> Draft:
        draft_of.append(Draft(None, None))
        return draft_of[-1]

    def commit(draft: Draft) -> None:
        if "bad" in draft.changes:
            raise BadInputError("bad")
        commits.append(len(draft.changes))

    writer = Writer(begin, commit)
    blocked = threading.Event()
    first = writer.submit(lambda _draft: blocked.wait(20))

    def add(name: str):
        def change(draft: Draft) -> int:
            draft.changes[name] = None
            return len(draft.changes)

        return writer.submit(change)

    asked = [add("a"), add("b"), add("c")]
    blocked.set()
    assert first.result(20)
    assert [one.result(20) for one in asked] == [1, 2, 3] and commits == [3]
    blocked.clear()
    writer.submit(lambda _draft: blocked.wait(20))
    asked = [add("a"), add("bad"), add("c")]
    blocked.set()
    assert asked[0].result(20) == 1 and asked[2].result(20) == 1
    with pytest.raises(BadInputError):
        asked[1].result(20)
    assert commits == [3, 1, 1]
    writer.close()


def test_what_was_answered_survives_sigkill(tmp_path):
    """Killed while many write: all that was acknowledged is there, and nothing is torn."""
    store = tmp_path / "store"
    process, url = start(store)
    acknowledged: list[str] = []

    def write() -> None:
        with httpx.Client(base_url=url, timeout=30) as client:
            while True:
                try:
                    answer = client.post("/things", json=td(), headers={"Content-Type": TD_JSON})
                except httpx.HTTPError:
                    return
                if answer.status_code == 201:
                    acknowledged.append(answer.headers["location"])

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: len(acknowledged) > 40)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=20)
    for thread in threads:
        thread.join(30)
    with visited(store) as (_, client):
        listed = client.get("/things").json()
        assert set(acknowledged) <= {thing["id"] for thing in listed}
        assert all(thing["title"] and thing["registration"]["created"] for thing in listed)
