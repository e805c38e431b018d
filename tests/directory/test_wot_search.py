"""W3C WoT Discovery, 7.3.2.3: search by JSONPath, with and against its bounds."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator

import httpx
import pytest
from directory_service import created, new_id, put, td, visited
from support.waiting import until

from tinylearn.directory import jsonpath_worker
from tinylearn.directory.jsonpath_pool import JsonPathPool
from tinylearn.directory.jsonpath_worker import TooLargeError, answer, results
from tinylearn.directory.places import Places
from tinylearn.directory.problem import ProblemError
from tinylearn.directory.settings import Limits, Settings

SECONDS = 0.8


def ask(client: httpx.Client, query: str) -> httpx.Response:
    return client.get("/search/jsonpath", params={"query": query})


@pytest.fixture
def three(client):
    """Things that nothing else is tagged as, and their tag."""
    tag = new_id()
    things = [created(client, tag=tag, level=level) for level in (1, 2, 3)]
    return sorted(things, key=lambda thing: thing["id"]), tag


def test_tdd_search_jsonpath_and_its_method_and_parameter(client, three):
    things, tag = three
    answer = client.get(f"/search/jsonpath?query=$[?(@.tag=='{tag}')]")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == things, "as registered: whole, with their ids"


def test_tdd_search_jsonpath_response(client, three):
    things, tag = three
    assert ask(client, f"$[?@.tag=='{tag}'].level").json() == [t["level"] for t in things]
    assert ask(client, f"$[?@.tag=='{tag}' && @.level>1]['id','level']").status_code == 200
    assert ask(client, "$[?@.tag=='none such']").json() == []


@pytest.mark.parametrize("query", ["*/id", "", "$[", "$[?@.a=~/b/]", "$x", "title", "$[?@.a==]"])
def test_a_query_that_is_none(client, query):
    answer = ask(client, query)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert "JSONPath" in answer.json()["detail"]


def test_a_query_that_is_too_long_or_absent(client):
    assert ask(client, "$" + "[0]" * 5000).status_code == 400
    assert client.get("/search/jsonpath").status_code == 400


def test_queries_of_the_whole_array(client, three):
    listed = [thing["id"] for thing in client.get("/things").json()]
    assert ask(client, "$[0].id").json() == listed[:1]
    assert ask(client, "$[-1].id").json() == listed[-1:]
    assert ask(client, "$[1:3].id").json() == listed[1:3]
    assert ask(client, "$..id").json() == listed
    assert ask(client, "$[?@.level > $[0].nothing].id").json() == []


def test_tdd_search_xpath_is_not_offered(client):
    assert client.get("/search/xpath?query=*[tag='x']").status_code == 501


def test_a_catastrophic_pattern_ends_and_harms_nobody(tmp_path):
    limits = Limits(search_seconds=SECONDS, search_workers=1)
    with visited(tmp_path / "s", Settings(limits=limits)) as (_, client):
        created(client, tag="a" * 40 + "!")
        assert ask(client, "$[*].title").status_code == 200
        answer = ask(client, "$[?match(@.tag, '(a+)+$')]")
        assert answer.status_code == 503
        assert "longer than" in answer.json()["detail"]
        assert ask(client, "$[*].title").json() == ["example thing"]


def test_searches_that_never_end_hold_up_nobody(tmp_path):
    limits = Limits(search_seconds=600, search_workers=1, search_patience=0.5)
    with visited(tmp_path / "s", Settings(limits=limits)) as (service, client):
        created(client, tag="a" * 40 + "!")
        told: list[str] = []

        def endless() -> None:
            with httpx.Client(base_url=service.url, timeout=60) as other:
                told.append(ask(other, "$[?match(@.tag, '(a+)+$')]").json()["detail"])

        threads = [threading.Thread(target=endless) for _ in range(3)]
        for thread in threads:
            thread.start()
        until(lambda: len(told) == 2)
        assert ask(client, "$[*].title").json() == ["example thing"]
        for thread in threads:
            thread.join(60)
        assert len(told) == 3 and all("as others were waiting" in detail for detail in told)


def test_a_search_ends_also_where_the_service_was_killed():
    """Nobody was left to end its process, which went on for ever."""
    question = {"query": "$[?match(@.tag, '(a+)+$')]", "results": 10, "bytes": 1000,
                "documents": 1000, "seconds": -1.9}  # fmt: skip
    lines = [json.dumps(question), json.dumps({"tag": "a" * 40 + "!"}), "", ""]
    done = subprocess.run(
        [sys.executable, "-P", jsonpath_worker.__file__],
        input="\n".join(lines).encode(), stdout=subprocess.PIPE, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (-signal.SIGALRM, b"ready\n")


def test_results_are_bounded(tmp_path):
    limits = Limits(search_results=5, search_bytes=3000)
    with visited(tmp_path / "s", Settings(limits=limits)) as (_, client):
        for number in range(6):
            put(client, td(f"urn:x:{number}", tag="y" * 500))
        assert ask(client, "$[*].id").status_code == 422
        assert ask(client, "$[0:5].id").status_code == 200
        assert ask(client, "$[0:5].tag").status_code == 200
        assert ask(client, "$[0:5]").status_code == 422
        assert "too many results" in ask(client, "$..*").json()["detail"]


def test_deep_queries_end():
    question = {"results": 10, "bytes": 1000, "documents": 1000}
    for query in ("$" + "[?@.a" * 500 + "]" * 500, "$[?" + "(" * 3000 + "@.a" + ")" * 3000 + "]"):
        told = answer({**question, "query": query}, [b"{}"])
        assert b"too deep" in told or b"wrong" in told


def test_documents_are_taken_one_by_one_where_that_gives_the_same():
    from jsonpath import JSONPathEnvironment

    lines = [b'{"id": 1, "in": {"id": 2}}', b'{"id": 3}', b"[4, [5]]"]
    whole = [{"id": 1, "in": {"id": 2}}, {"id": 3}, [4, [5]]]
    for query in ("$[*]", "$[*].id", "$[?@.id]", "$..id", "$[?@.id>1].id", "$[*][0]", "$[0]", "$",
                  "$[*,*]", "$..[0]", "$..*", "$[?@.id==$[1].id]", "$[1:].id"):  # fmt: skip
        path = JSONPathEnvironment(strict=True).compile(query)
        assert list(results(path, lines, 10_000)) == path.findall(whole), query
    with pytest.raises(TooLargeError):
        list(results(JSONPathEnvironment(strict=True).compile("$[0]"), lines, 20))


def test_too_many_searches_are_refused_while_others_wait():
    async def search() -> None:
        pool = JsonPathPool(Limits(search_workers=1, search_waiting=0))
        may_go_on = asyncio.Event()

        async def documents() -> AsyncIterator[bytes]:
            await may_go_on.wait()
            yield b'{"a": 1}\n'

        first = asyncio.create_task(pool.ask("$[*].a", documents()))
        await asyncio.sleep(0)
        with pytest.raises(ProblemError, match="503"):
            await pool.ask("$[*].a", documents())
        may_go_on.set()
        assert await first == b"[1]"
        assert await pool.ask("$[*].a", documents()) == b"[1]"
        await pool.close()

    asyncio.run(search())


def test_processes_do_not_pile_up():
    async def search() -> None:
        pool = JsonPathPool(Limits(search_workers=2, search_waiting=100))

        async def documents() -> AsyncIterator[bytes]:
            yield b'{"a": 1}\n'

        for _ in range(3):
            asked = [pool.ask("$[*].a", documents()) for _ in range(6)]
            assert await asyncio.gather(*asked) == [b"[1]"] * 6
            await asyncio.gather(*pool._starting)
            assert 1 <= len(pool._idle) <= 4
        await pool.close()

    asyncio.run(search())


def test_a_worker_that_dies_is_replaced():
    async def search() -> None:
        pool = JsonPathPool(Limits())

        async def documents() -> AsyncIterator[bytes]:
            yield b'{"a": 1}\n'

        assert await pool.ask("$[*].a", documents()) == b"[1]"
        for process in pool._idle:
            await process.end()
        assert await pool.ask("$[*].a", documents()) == b"[1]"
        await pool.close()

    asyncio.run(search())


def test_those_who_wait_for_a_place_are_bounded_in_number_and_time():
    async def wait() -> None:
        places, done = Places(1, 1, 0.2, "projects"), asyncio.Event()

        async def hold() -> None:
            async with places.one():
                await done.wait()

        first = asyncio.create_task(hold())
        await asyncio.sleep(0)
        second = asyncio.create_task(hold())
        await asyncio.sleep(0)
        with pytest.raises(ProblemError, match="too many projects"):
            await hold()
        with pytest.raises(ProblemError, match="too many projects"):
            await second  # its time is over
        done.set()
        await first
        await hold()

    asyncio.run(wait())


@pytest.mark.parametrize(("last_first", "order"), [(False, [1, 2, 3]), (True, [3, 2, 1])])
def test_whose_turn_it_is(last_first: bool, order: list[int]) -> None:
    async def wait() -> list[int]:
        places, done = Places(1, 3, 20, "projects", last_first=last_first), []

        async def come(number: int) -> None:
            async with places.one():
                done.append(number)

        async with places.one():
            waiting = [asyncio.create_task(come(number)) for number in (1, 2, 3)]
            await asyncio.sleep(0)
        await asyncio.gather(*waiting)
        return done

    assert asyncio.run(wait()) == order
