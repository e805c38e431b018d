"""From what people type for a parameter to the IRI that a query needs: names of devices, models, sensors
and tasks."""

from __future__ import annotations

from tinylearn.errors import UsageError
from tinylearn.registry.matching.resolve import DEVICE, MODEL, resolve
from tinylearn.registry.models.about import sensor_class, task_name
from tinylearn.registry.models.terms import CATEGORIES, term
from tinylearn.registry.query.named import Parameter
from tinylearn.registry.store.base import GraphStore

_KINDS = {"device": DEVICE, "model": MODEL, "of": MODEL}


def iri_meant(store: GraphStore, parameter: str, value: str) -> str:
    """An IRI, with a prefix or whole, as it is; anything else as a name of what the parameter is called
    after. Raises UsageError, BadInputError where nothing has that name, or several have."""
    try:
        Parameter(parameter, "iri", "").term(value)
    except UsageError:
        return _named(store, parameter, value)
    return value


def _named(store: GraphStore, parameter: str, name: str) -> str:
    if parameter in _KINDS:
        return resolve(store, _KINDS[parameter], name)
    if parameter == "sensor":
        return sensor_class(name)
    return term(task_name(name), CATEGORIES).value if parameter == "task" else name
