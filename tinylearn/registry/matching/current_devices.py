"""The columns of all devices as a store has them now: those kept beside it, with what has changed since read
again; where that is not known or too much, everything is scanned."""

from __future__ import annotations

from tinylearn.registry.matching import kept_columns
from tinylearn.registry.matching.device_table import DeviceTable
from tinylearn.registry.matching.scan_devices import devices_having, scan_devices
from tinylearn.registry.matching.scan_models import required_sensors
from tinylearn.registry.matching.some_devices import some_devices
from tinylearn.registry.matching.terms import Terms
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.folder import folder_of

#: so many are always looked up, which takes a fifth of a second; of more, one in so many devices: a scan takes
#: a tenth of that for each
_FEW, _SHARE = 1000, 10
#: so many changes each cold start may read again; more are kept
_UNKEPT = 100


def current_devices(store: GraphStore, sensors: frozenset[str], revision: int) -> DeviceTable:
    """At ``revision``, the store's, with a bit for each of ``sensors``."""
    found = kept_columns.kept(store)
    changed = None if found is None else kept_columns.changed_since(store, found.revision, revision)
    if found is None or changed is None or len(changed) > _most(found.table):
        table = scan_devices(store, Terms(sorted(sensors | required_sensors(store))))
        kept_columns.keep(store, table, revision)
        return table
    lacking = sensors.difference(found.table.sensors)
    _read_again(store, found.table, changed)
    for sensor in sorted(lacking):
        found.table.add_sensor(sensor, devices_having(store, sensor))
    if lacking or len(changed) > _UNKEPT:
        kept_columns.keep(store, found.table, revision)
    return found.table


def _most(table: DeviceTable) -> int:
    """So many changes are looked up in less time than a scan of everything takes."""
    return max(_FEW, len(table.iris) // _SHARE)


def keep_up(store: GraphStore) -> None:
    """After writing, so that no cold start has to scan for it. Nothing where no columns can be kept."""
    if folder_of(store) is not None:
        current_devices(store, required_sensors(store), store.revision())


def _read_again(store: GraphStore, table: DeviceTable, changed: frozenset[str]) -> None:
    """Devices that may be new, or gone, or none."""
    fresh = some_devices(store, table.sensors, sorted(changed))
    for iri in changed.difference(fresh.iris):
        table.remove(iri)
    table.put_all(fresh)
