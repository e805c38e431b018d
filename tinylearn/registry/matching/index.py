"""Everything that matching needs of a store, in memory: answers in milliseconds, kept up to date.

Loaded by one scan of the devices and one of the models. Whoever writes to the store says so by
``update``; ``refresh`` notices by the store's revision what others wrote.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from threading import RLock

import numpy as np
from pyoxigraph import NamedNode

from tinylearn.errors import BadInputError
from tinylearn.registry.devices.read import device_of, is_device
from tinylearn.registry.matching import kept_columns
from tinylearn.registry.matching.compare import Compared, Truth, compare
from tinylearn.registry.matching.current_devices import current_devices
from tinylearn.registry.matching.device_table import DeviceTable, Numbers
from tinylearn.registry.matching.match import Match, match
from tinylearn.registry.matching.model_table import ModelTable
from tinylearn.registry.matching.ranking import By, Ranking, ranked
from tinylearn.registry.matching.read import read_device, read_model
from tinylearn.registry.matching.scan_devices import devices_having
from tinylearn.registry.matching.scan_models import scan_models
from tinylearn.registry.models.facts import Mode, Model
from tinylearn.registry.models.read import is_model, model_of
from tinylearn.registry.store.base import GraphStore


@dataclass(frozen=True)
class Asked:
    """What is compared, and how it is ranked."""

    mode: Mode = Mode.INFERENCE
    by: By = By.ACCURACY
    allow_soft_float: bool = False


@dataclass(frozen=True)
class Matrix:
    """[device, model] whether they fit, in the order of their IRIs."""

    devices: list[str]
    models: list[str]
    fits: Truth


class Index:
    """Devices and models of a store. Safe to be used by several threads."""

    def __init__(
        self, store: GraphStore, devices: DeviceTable, models: Iterable[Model], revision: int
    ):
        self._store, self._devices, self._revision = store, devices, revision
        self._models = {model.iri: model for model in models}
        self._table: ModelTable | None = None
        self._lock = RLock()

    @classmethod
    def load(cls, store: GraphStore, device: str | None = None, model: str | None = None) -> Index:
        """Reads all of a store; given a device or a model only what answers questions about it.

        Raises BadInputError where there is no such device or model.
        """
        revision = store.revision()
        one = None if device is None else read_device(store, device)
        if model is not None:
            models = [read_model(store, model)]
        else:
            models = scan_models(store, target=None if one is None else one.target or "")
        sensors = frozenset(sensor for known in models for sensor in known.sensors)
        if one is None:
            return cls(store, current_devices(store, sensors, revision), models, revision)
        table = DeviceTable(sorted(sensors))
        table.put(one)
        return cls(store, table, models, revision)

    def refresh(self) -> None:
        """Reads all again where the store has changed without ``update``."""
        with self._lock:
            if self._store.revision() != self._revision:
                fresh = Index.load(self._store)
                self._devices, self._models = fresh._devices, fresh._models
                self._revision, self._table = fresh._revision, None

    def update(self, iri: str) -> None:
        """Reads one device or model again; it may be new, or gone."""
        name = NamedNode(iri)
        with self._lock:
            self._revision, triples = self._store.revision(), self._store.graph(name)
            if is_device(name, triples):
                self._devices.put(device_of(name, triples))
            else:
                self._devices.remove(iri)
            before = self._models.pop(iri, None)
            if is_model(name, triples):
                self._models[iri] = model_of(name, triples)
            if before or iri in self._models:
                self._table = None

    def model(self, iri: str) -> Model | None:
        """What is known of a model; None where there is none of that IRI."""
        return self._models.get(iri)

    def devices_for(self, model: str, asked: Asked | Mode = Asked()) -> Ranking:
        """All devices, those on which the model fits first. Raises BadInputError for an unknown model."""
        asked = _asked(asked)
        with self._lock:
            table, number = self._columns(), self._model(model)
            numbers = self._devices.numbers
            ties = self._devices.order[numbers]
            return self._ranking(table, numbers, np.array([number]), ties, asked)

    def models_for(self, device: str, asked: Asked | Mode = Asked()) -> Ranking:
        """All models, those that fit on the device first. Raises BadInputError for an unknown device."""
        asked = _asked(asked)
        with self._lock:
            table, number = self._columns(), self._device(device)
            return self._ranking(table, np.array([number]), table.numbers, table.numbers, asked)

    def pair(self, device: str, model: str, asked: Asked | Mode = Asked()) -> Match:
        """One device and one model. Raises BadInputError where one of them is not known."""
        asked = _asked(asked)
        with self._lock:
            table = self._columns()
            return self._match(self._device(device), table.models[self._model(model)], asked)

    def matrix(self, asked: Asked | Mode = Asked()) -> Matrix:
        """Every device with every model."""
        asked = _asked(asked)
        with self._lock:
            table, numbers = self._columns(), self._devices.numbers
            numbers = numbers[np.argsort(self._devices.order[numbers])]
            rows = [self._compare(table, numbers, np.array([m]), asked).fits for m in table.numbers]
            fits = np.stack(rows, axis=1) if rows else np.zeros((len(numbers), 0), bool)
            return Matrix(
                [self._devices.iris[n] for n in numbers], [m.iri for m in table.models], fits
            )

    def keep(self) -> None:
        """Leaves the devices' columns in the store's folder, for the next cold start."""
        with self._lock:
            self._columns()  # a new model may read a sensor that none did before
            kept_columns.keep(self._store, self._devices, self._revision)

    def _columns(self) -> ModelTable:
        """Of all models; the devices have a bit for each sensor that one of them reads."""
        if self._table is None:
            read = {sensor for model in self._models.values() for sensor in model.sensors}
            for sensor in sorted(read.difference(self._devices.sensors)):
                self._devices.add_sensor(sensor, devices_having(self._store, sensor))
            self._table = ModelTable(self._models.values(), self._devices.sensors)
        return self._table

    def _compare(self, table: ModelTable, d: Numbers, m: Numbers, asked: Asked) -> Compared:
        return compare(self._devices, table, asked.mode, d, m, asked.allow_soft_float)

    def _ranking(
        self, table: ModelTable, d: Numbers, m: Numbers, ties: Numbers, asked: Asked
    ) -> Ranking:
        compared = self._compare(table, d, m, asked)
        places = ranked(compared, ties, asked.by)
        devices, models = np.broadcast_arrays(d, m)

        def make(place: int) -> Match:
            at = places[place]
            return self._match(int(devices[at]), table.models[models[at]], asked)

        return Ranking(len(places), int(np.count_nonzero(compared.fits)), make)

    def _match(self, device: int, model: Model, asked: Asked) -> Match:
        return match(self._devices.device(device), model, asked.mode, asked.allow_soft_float)

    def _device(self, iri: str) -> int:
        number = self._devices.number(iri)
        if number is None:
            raise BadInputError(f"{iri}: no such device is registered")
        return number

    def _model(self, iri: str) -> int:
        number = self._columns().number(iri)
        if number is None:
            raise BadInputError(f"{iri}: no such model is registered")
        return number


def _asked(asked: Asked | Mode) -> Asked:
    return Asked(asked) if isinstance(asked, Mode) else asked
