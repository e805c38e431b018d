"""What people say of a model that its file does not: its sensors, task, data and merit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from tinylearn.errors import UsageError
from tinylearn.registry.devices.terms import OUR_SENSORS
from tinylearn.registry.models.terms import CATEGORIES
from tinylearn.registry.vocabulary import SOSA_EXTEND

_OF_ONTOLOGY = ("Accelerometer", "Camera", "Gyroscope", "Magnetometer", "Microphone", "Thermometer")
_ALL = (*(SOSA_EXTEND + name for name in _OF_ONTOLOGY), *OUR_SENSORS)
_SENSORS = {re.split(r"[/:]", iri)[-1].lower(): iri for iri in _ALL}
#: beside the ontology's categories
_TASKS = {name.lower(): name for name in (*CATEGORIES, "Regression")}
_IRI = re.compile(r"(https?|urn):[^\s<>\"{}|\\^`\x00-\x20]{1,1000}")


@dataclass(frozen=True)
class About:
    """``sensors``: IRIs of classes; ``dataset``: an IRI or a name; ``accuracy``: 0 to 1."""

    sensors: tuple[str, ...] = ()
    task: str | None = None
    dataset: str | None = None
    accuracy: float | None = None
    description: str | None = None

    def otherwise(self, other: About) -> About:
        """What is not said here as ``other`` says it."""
        return replace(
            self,
            sensors=self.sensors or other.sensors,
            task=self.task or other.task,
            dataset=self.dataset or other.dataset,
            accuracy=other.accuracy if self.accuracy is None else self.accuracy,
            description=self.description or other.description,
        )


#: by the SHA-256 of a model what was said of it before
Known = Callable[[str], About]


def nothing(_sha256: str) -> About:
    """For who knows of no model."""
    return About()


def is_iri(text: str) -> bool:
    """Whether text is an IRI that may be written as one."""
    return _IRI.fullmatch(text) is not None


def sensor_class(name: str) -> str:
    """The IRI of a sensor class, by its name or as it is; raises UsageError."""
    found = _SENSORS.get(re.sub(r"[\s_-]", "", name).lower())
    if found is None and not is_iri(name):
        known = ", ".join(sorted(_SENSORS))
        raise UsageError(f"sensor {name[:60]!r}: not known; there are {known}, or give an IRI")
    return found or name


def task_name(name: str) -> str:
    """The name of a category as the ontology spells it; raises UsageError."""
    found = _TASKS.get(re.sub(r"[\s_-]", "", name).lower())
    if found is None:
        raise UsageError(f"task {name[:60]!r}: not known; there are {', '.join(sorted(_TASKS))}")
    return found


def about(
    sensors: Iterable[str] = (), task: str | None = None, dataset: str | None = None,
    accuracy: float | None = None, description: str | None = None,
) -> About:  # fmt: skip
    """Checked: raises UsageError where something is not known or not possible."""
    if accuracy is not None and not 0 <= accuracy <= 1:
        raise UsageError(f"accuracy {accuracy}: must be from 0 to 1")
    return About(
        tuple(dict.fromkeys(sensor_class(name) for name in sensors)),
        None if task is None else task_name(task),
        dataset, accuracy, description,
    )  # fmt: skip
