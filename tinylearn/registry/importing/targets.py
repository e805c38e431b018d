"""tinylearn's own boards and cores, registered as if their descriptions had come in a file."""

from __future__ import annotations

from tinylearn.registry.devices.targets import thing_of_target
from tinylearn.registry.importing.prepare import Prepared, of_thing
from tinylearn.targets import all_targets


def prepared_targets() -> Prepared:
    """All of them."""
    return Prepared("targets", [of_thing(thing_of_target(target)) for target in all_targets()])
