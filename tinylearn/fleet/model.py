"""The model that a fleet learns, as coordinator and devices must agree on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tinylearn.device.blob import Blob
from tinylearn.device.host import read_info
from tinylearn.device.twin import TwinLibrary, load_twin
from tinylearn.errors import UsageError


@dataclass(frozen=True)
class FleetModel:
    """``tensors``: (name, byte offset, elements) of the weights, all float32; ``initial``: their
    bytes in a device that has learnt nothing."""

    name: str
    hash: bytes
    tensors: tuple[tuple[str, int, int], ...]
    initial: bytes

    @property
    def weights_bytes(self) -> int:
        """All weights."""
        return len(self.initial)

    def exchanged_bytes(self, local: set[str]) -> int:
        """Bytes from the start of the weights up to the first of the ``local`` tensors. Raises
        UsageError where they are not the last ones."""
        names = [name for name, _, _ in self.tensors]
        kept = [name for name in names if name not in local]
        if not kept or names[: len(kept)] != kept:
            raise UsageError(
                f"model {self.name}: the local part {sorted(local)} must be the last of {names}, "
                "and not all"
            )
        return self.weights_bytes if len(kept) == len(names) else self.tensors[len(kept)][1]

    def blob(self, exchanged: bytes) -> bytes:
        """A version for a device's store: the local part is that of a new device."""
        table = tuple((offset, count) for _, offset, count in self.tensors)
        return Blob(self.hash, table, exchanged + self.initial[len(exchanged) :]).pack()


def load_project(folder: Path) -> tuple[FleetModel, TwinLibrary]:
    """The model of a generated project, and its twin. Raises UsageError where it does not learn in
    float32, and what building a twin raises."""
    info = read_info(folder)
    rows = info["weights"]
    if not rows or any(row["dtype"] != "float32" for row in rows):
        raise UsageError(
            f"{folder}: a fleet learns float32 weights; generate it with --learn and without "
            "--arithmetic int8"
        )
    if info["choices"].get("max_classes"):
        raise UsageError(f"{folder}: outputs that grow by themselves (--max-classes) differ from "
                         "device to device; generate it without")  # fmt: skip
    library = load_twin(folder, info["name"], info["target"])
    twin = library.open()
    initial = twin.read_weights()
    twin.close()
    tensors = tuple((row["name"], row["offset"], row["bytes"] // 4) for row in rows)
    return FleetModel(info["name"], library.info.hash, tensors, initial), library
