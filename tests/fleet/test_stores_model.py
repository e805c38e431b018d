"""Stores against the model of one, over random histories of commits, failures and restarts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from support.fleet_records import a_run, update, version, weights
from support.model_store import ModelStore
from support.postgres_server import PostgresServer

from tinylearn.errors import UsageError
from tinylearn.fleet import sql_changes
from tinylearn.fleet.records import (
    AddUpdate,
    AddVersion,
    Change,
    Device,
    Log,
    PutDevice,
    PutRollout,
    PutRound,
    PutState,
    Rollout,
    Round,
)
from tinylearn.fleet.store import DuplicateUpdateError, HeadMovedError, open_store

#: so small that most histories prune
NEWEST, MILESTONE = 2, 5
NAMES = st.sampled_from("abc")
#: places of versions, among those that a history has
PLACES = st.integers(0, 30)

CHANGES = st.one_of(
    st.tuples(st.just("version"), st.integers(0, 9), st.integers(0, 3)),
    st.tuples(st.just("round"), st.integers(1, 3), PLACES, st.booleans()),
    st.tuples(st.just("update"), st.integers(1, 3), NAMES, st.binary(max_size=3)),
    st.tuples(st.just("device"), NAMES, PLACES, PLACES, st.booleans()),
    st.tuples(st.just("rollout"), PLACES, PLACES),
    st.tuples(
        st.just("state"), NAMES, st.text(st.characters(codec="ascii", exclude_characters="\0"))
    ),
    st.tuples(st.just("log"), NAMES),
)


class Drafts:
    """Makes changes that fit what there is, from small random numbers."""

    def __init__(self, model: ModelStore) -> None:
        self._numbers = [each.number for each in model.versions]
        self._bases = {number: each.base for number, each in model.rounds.items()}

    def change(self, kind: str, *values: Any) -> list[Change]:
        """The change, or none where there is nothing that it could be about."""
        made = getattr(self, f"_{kind}")(*values)
        return [] if made is None else [made]

    def _pick(self, place: int) -> int:
        return self._numbers[-1 - place % len(self._numbers)]

    def _version(self, wrong: int, round_: int) -> Change:
        parent, number = self._numbers[-1], self._numbers[-1] + 1
        if wrong == 9 and len(self._numbers) > 1:
            return AddVersion(version(number, self._numbers[-2], round_))
        self._numbers.append(number)
        return AddVersion(version(number, parent, round_))

    def _round(self, number: int, base: int, open_: bool) -> Change:
        base = self._bases.setdefault(number, self._pick(base))
        return PutRound(Round(number, base, ("a", "b")[: base % 3], open_))

    def _update(self, round_: int, device: str, stream: bytes) -> Change | None:
        return AddUpdate(update(round_, device, stream)) if round_ in self._bases else None

    def _device(self, name: str, deployed: int, pinned: int, named: bool) -> Change:
        device = Device(name, deployed=self._pick(deployed))
        return PutDevice(replace(device, pinned=self._pick(pinned)) if named else device)

    def _rollout(self, to: int, back: int) -> Change:
        return PutRollout(Rollout(self._pick(to), self._pick(back), (0.5, 1.0)))

    def _state(self, key: str, value: str) -> Change:
        return PutState(key, value)

    def _log(self, what: str) -> Change:
        return Log(what)


class StoreMachine(RuleBasedStateMachine):
    """``place`` gives where an empty store can be."""

    place: Callable[[], str]

    def __init__(self) -> None:
        super().__init__()
        self.where = self.place()
        self.store = open_store(self.where)
        self.store.create(a_run(), weights(1))
        first = replace(version(1, reports=0), weights=None)
        self.model = ModelStore(a_run(), [first], NEWEST, MILESTONE, {1: weights(1)})

    @rule(drafts=st.lists(CHANGES, min_size=1, max_size=6))
    def commit(self, drafts: list[tuple[Any, ...]]) -> None:
        maker = Drafts(self.model)
        changes = [change for draft in drafts for change in maker.change(*draft)]
        try:
            expected = self.model.after(changes)
        except (HeadMovedError, DuplicateUpdateError) as error:
            with pytest.raises(type(error)):
                self.store.commit(1, changes)
        else:
            self.store.commit(1, changes)
            self.model = expected

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = open_store(self.where, create=False)

    @invariant()
    def equal(self) -> None:
        assert self.store.load(1) == self.model.saved()
        assert list(self.store.lineage(1)) == self.model.versions
        assert [entry for *_, entry in self.store.history(1)] == self.model.log
        for each in self.model.versions:
            self._compare_weights(each.number)

    def _compare_weights(self, number: int) -> None:
        if number in self.model.weights:
            assert self.store.weights(1, number) == self.model.weights[number]
        else:
            with pytest.raises(UsageError, match="no longer kept"):
                self.store.weights(1, number)

    def teardown(self) -> None:
        self.store.close()


@pytest.fixture(autouse=True)
def _prune_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_changes, "NEWEST_KEPT", NEWEST)
    monkeypatch.setattr(sql_changes, "MILESTONE", MILESTONE)


def check(place: Callable[[], str], examples: int, phases: tuple[Phase, ...]) -> None:
    class Machine(StoreMachine):
        pass

    Machine.place = staticmethod(place)
    limits = settings(max_examples=examples, stateful_step_count=25, phases=phases)
    run_state_machine_as_test(Machine, settings=limits)


def test_sqlite_does_what_the_model_does() -> None:
    with TemporaryDirectory() as folder:
        numbers = iter(range(10**6))
        check(lambda: str(Path(folder) / f"{next(numbers)}.db"), 40, tuple(Phase))


def test_postgres_does_what_the_model_does(postgres: PostgresServer) -> None:
    """Fewer, and without shrinking, which would take minutes: what fails here fails in SQLite too,
    or is to be looked for by hand."""
    check(postgres.empty_database, 6, (Phase.explicit, Phase.generate))
