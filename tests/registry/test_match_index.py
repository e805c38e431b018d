from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from described_things import SENSORS, devices, fleets, models, named, zoos
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_store import PlainStore
from pyoxigraph import Literal, NamedNode, Triple

from tinylearn.errors import BadInputError
from tinylearn.registry.devices import read as of_devices
from tinylearn.registry.devices.facts import Device
from tinylearn.registry.matching.compare import compare
from tinylearn.registry.matching.device_table import DeviceTable
from tinylearn.registry.matching.index import Asked, Index
from tinylearn.registry.matching.match import Match, match
from tinylearn.registry.matching.model_table import ModelTable
from tinylearn.registry.matching.ranking import By
from tinylearn.registry.matching.resolve import DEVICE, MODEL, labels, resolve
from tinylearn.registry.matching.terms import Terms
from tinylearn.registry.models.facts import Mode, Model, Need
from tinylearn.registry.models.flat import flat_facts
from tinylearn.registry.store.base import GraphStore

asked = st.builds(Asked, st.sampled_from(list(Mode)), st.sampled_from(list(By)), st.booleans())


def put(store: PlainStore | GraphStore, *things: Device | Model) -> None:
    for thing in things:
        facts = flat_facts(thing) if isinstance(thing, Model) else of_devices.flat_facts(thing)
        store.upsert({NamedNode(thing.iri): facts})


def filled(fleet: list[Device], zoo: list[Model]) -> PlainStore:
    store = PlainStore()
    put(store, *fleet, *zoo)
    return store


def plainly(device: Device, model: Model, wanted: Asked) -> Match:
    return match(device, model, wanted.mode, wanted.allow_soft_float)


@given(fleets(), zoos(), asked)
def test_columns_say_what_one_pair_says(
    fleet: list[Device], zoo: list[Model], wanted: Asked
) -> None:
    devices_, table = DeviceTable(SENSORS), ModelTable(zoo, Terms(SENSORS))
    for device in fleet:
        devices_.put(device)
    found = compare(devices_, table, wanted.mode, devices_.numbers[:, None], table.numbers[None],
                    wanted.allow_soft_float)  # fmt: skip
    for d, device in enumerate(fleet):
        for m, model in enumerate(table.models):
            one = plainly(device, model, wanted)
            assert found.fits[d, m] == one.fits
            shown = (found.accuracy[d, m], found.ram_left[d, m], found.joules[d, m])
            wanted_values = (one.accuracy, one.ram_left, one.joules)
            np.testing.assert_allclose(
                shown, [np.nan if value is None else value for value in wanted_values]
            )


def ordered(found: list[Match], by: By) -> list[object]:
    """What a ranking is sorted by, spelled out."""
    least = float("inf")

    def falling(value: float | None) -> float:
        return least if value is None else -value

    def keys(one: Match) -> tuple[object, ...]:
        each = {By.ACCURACY: falling(one.accuracy), By.RAM: falling(one.ram_left),
                By.ENERGY: least if one.joules is None else one.joules}  # fmt: skip
        return (not one.fits, each[by], *(each[other] for other in By if other is not by))

    return [keys(one) for one in found if one.fits]


@given(fleets(1), zoos(1), asked)
@settings(max_examples=50)
def test_a_row_from_a_store_says_what_each_pair_says(
    fleet: list[Device], zoo: list[Model], wanted: Asked
) -> None:
    index = Index.load(filled(fleet, zoo))
    for model in zoo:
        found = list(index.devices_for(model.iri, wanted))
        expected = {device.iri: plainly(device, model, wanted) for device in fleet}
        assert {one.device: one for one in found} == expected
        fitting = sum(one.fits for one in found)
        assert index.devices_for(model.iri, wanted).fitting == fitting
        assert all(one.fits for one in found[:fitting])
        assert ordered(found, wanted.by) == sorted(ordered(found, wanted.by))  # type: ignore[type-var]
    for device in fleet:
        found = list(index.models_for(device.iri, wanted))
        assert {one.model: one for one in found} == {
            model.iri: plainly(device, model, wanted) for model in zoo
        }
        assert index.pair(device.iri, zoo[0].iri, wanted) == plainly(device, zoo[0], wanted)


@given(fleets(1), zoos(1), asked)
@settings(max_examples=30)
def test_an_index_of_one_row_answers_as_the_whole(
    fleet: list[Device], zoo: list[Model], wanted: Asked
) -> None:
    store = filled(fleet, zoo)
    whole, device, model = Index.load(store), fleet[0].iri, zoo[0].iri
    plain = whole.models_for(device, wanted.mode)
    assert list(plain) == list(whole.models_for(device, Asked(wanted.mode)))
    assert list(Index.load(store, model=model).devices_for(model, wanted)) == list(
        whole.devices_for(model, wanted)
    )
    assert list(Index.load(store, device=device).models_for(device, wanted)) == list(
        whole.models_for(device, wanted)
    )
    assert Index.load(store, device, model).pair(device, model) == whole.pair(device, model)


changes = st.lists(
    st.tuples(st.just("put"), devices(named("device")) | models(named("model")))
    | st.tuples(st.just("delete"), named("device") | named("model")),
    max_size=12,
)


@given(fleets(), zoos(), changes)
@settings(max_examples=50)
def test_an_index_follows_what_is_written(
    fleet: list[Device], zoo: list[Model], then: list
) -> None:
    store = filled(fleet, zoo)
    index = Index.load(store)
    for what, thing in then:
        iri = thing if what == "delete" else thing.iri
        if what == "delete":
            store.upsert({}, [NamedNode(iri)])
        else:
            put(store, thing)
        index.update(iri)
    fresh, now = Index.load(store).matrix(), index.matrix()
    assert (now.devices, now.models) == (fresh.devices, fresh.models)
    np.testing.assert_array_equal(now.fits, fresh.fits)
    for model in now.models:
        assert list(index.devices_for(model)) == list(Index.load(store).devices_for(model))


def test_refresh_sees_what_others_wrote() -> None:
    store = filled([Device("urn:d:1", "one")], [])
    index = Index.load(store)
    put(store, Device("urn:d:2", "two"))
    assert index.matrix().devices == ["urn:d:1"]
    index.refresh()
    assert index.matrix().devices == ["urn:d:1", "urn:d:2"]


def test_an_empty_store_matches_nothing() -> None:
    matrix = Index.load(PlainStore()).matrix()
    assert matrix.fits.shape == (0, 0)


def test_more_sensors_than_a_word_has_bits() -> None:
    many = [f"urn:example:sensor:{n}" for n in range(150)]
    model = Model("urn:m:1", "all", sensors=frozenset(many))
    has_all = Device("urn:d:1", "all", sensors=frozenset(many))
    lacks = replace(has_all, iri="urn:d:2", sensors=frozenset(many[:-1]))
    index = Index.load(filled([has_all, lacks], [model]))
    reasons = [one.reasons for one in index.devices_for("urn:m:1")]
    assert ["no 149" in reason for reason in reasons] == [False, True]
    index.update("urn:m:1")
    assert [one.reasons for one in index.devices_for("urn:m:1")] == reasons


@pytest.mark.parametrize("value", ["lots", "-5", "1e400", "", "NaN"])
def test_a_size_that_is_none_is_not_known(value: str) -> None:
    store, name = (
        filled([Device("urn:d:1", "one")], [Model("urn:m:1", "one")]),
        NamedNode("urn:d:1"),
    )
    ram = Triple(name, NamedNode("urn:tinylearn:ns:ramBytes"), Literal(value))
    store.upsert({name: [*store.graph(name), ram]})
    assert Index.load(store).matrix().devices == ["urn:d:1"]


def test_what_is_not_registered_is_said() -> None:
    index = Index.load(filled([Device("urn:d:1", "one")], []))
    with pytest.raises(BadInputError, match="urn:m:1: no such model"):
        index.devices_for("urn:m:1")
    with pytest.raises(BadInputError, match="urn:d:9: no such device"):
        index.models_for("urn:d:9")
    with pytest.raises(BadInputError, match="urn:d:1: no such model"):
        Index.load(filled([], []), model="urn:d:1")


def test_an_index_over_any_store(store: GraphStore) -> None:
    fleet = [
        Device(f"urn:d:{n}", f"d {n}", 1000 * n, 5000, sensors=frozenset(SENSORS[:n]))
        for n in range(4)
    ]
    zoo = [
        Model("urn:m:1", "m", {Mode.INFERENCE: Need(2000, 5000)}, sensors=frozenset(SENSORS[:1]))
    ]
    put(store, *fleet, *zoo)
    found = Index.load(store).devices_for("urn:m:1")
    assert [one.device for one in found[: found.fitting]] == ["urn:d:3", "urn:d:2"]
    assert list(found) == list(Index.load(store, model="urn:m:1").devices_for("urn:m:1"))
    assert labels(store, ["urn:d:1", "urn:m:1", "urn:x"]) == {
        "urn:d:1": "urn:d:1", "urn:m:1": "m", "urn:x": "urn:x"
    }  # fmt: skip
    assert resolve(store, MODEL, "M") == "urn:m:1" and resolve(store, DEVICE, "3") == "urn:d:3"
