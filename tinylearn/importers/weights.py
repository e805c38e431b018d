"""The variables of each layer, from the HDF5 member of a `.keras` file or from a live model.

Keras 3 keeps the variables of a layer at `layers/<class in snake case>[_<n>]/vars/<i>`, n
counting the layers of that class within their model; a nested model adds another such level.
tf.keras 2.12 to 2.14 calls the level `_layer_checkpoint_dependencies` and skips numbers.
HDF5 can point outside the file: links, external and virtual datasets are refused.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import h5py
import numpy as np

from tinylearn.errors import BadInputError, UnsupportedError
from tinylearn.importers.config import LayerConfig
from tinylearn.ir.graph import Array

Shape = tuple[int, ...]

#: what h5py raises on damaged files: seen in 12,000 mutations of a valid one
_H5_ERRORS = (
    OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, OverflowError,
    IndexError, MemoryError, NotImplementedError,
)  # fmt: skip
_LEGACY_LEVEL = "_layer_checkpoint_dependencies"


class Place:
    """Where a layer is: the layer names from the outermost model in, and its HDF5 groups."""

    def __init__(self, keys: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> None:
        self.keys = keys
        self.groups = groups

    def inside(self, layers: Sequence[LayerConfig], class_name: str) -> dict[str, Place]:
        """The places of all layers of the model that is here, by layer key."""
        used: dict[str, int] = {}
        places = {}
        for layer in layers:
            if layer.class_name.startswith("ops.") or (
                class_name == "Sequential" and layer.class_name == "InputLayer"
            ):
                continue
            group = _snake_case(layer.class_name)
            used[group] = number = used.get(group, -1) + 1
            unique = f"{group}_{number}" if number else group
            places[layer.key] = Place((*self.keys, layer.key), (*self.groups, unique))
        return places


def _snake_case(class_name: str) -> str:
    """The group name of a class, by the rule of keras.src.utils.naming."""
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", class_name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()


class WeightSource(Protocol):
    """Gives the variables of layers."""

    def variables(self, place: Place, where: str, shapes: Sequence[Shape]) -> list[Array]:
        """The variables of a layer as float32, in Keras' order; raises BadInputError.

        There must be exactly as many as ``shapes``, of those shapes, all finite.
        """


def checked(values: Array, shape: Shape, where: str, index: int) -> Array:
    """A variable as float32, if its shape fits and all is finite."""
    if values.shape != shape:
        raise BadInputError(
            f"{where}: weight {index} has shape {values.shape}; its config says {shape}"
        )
    with np.errstate(over="ignore"):
        result = np.asarray(values, dtype=np.float32)
    if not np.isfinite(result).all():
        raise BadInputError(f"{where}: weight {index} holds NaN or infinity; train it again")
    return result


def check_count(found: int, shapes: Sequence[Shape], where: str) -> None:
    """Refuses a layer that has more or fewer variables than its config says."""
    if found != len(shapes):
        raise BadInputError(f"{where}: has {found} weights; its config needs {len(shapes)}")


class H5Weights:
    """Variables from the bytes of a model.weights.h5."""

    def __init__(self, data: bytes) -> None:
        with _guarded():
            self._file = h5py.File(io.BytesIO(data), "r")

    def close(self) -> None:
        """Release the bytes."""
        with _guarded():
            self._file.close()

    def variables(self, place: Place, where: str, shapes: Sequence[Shape]) -> list[Array]:
        """See WeightSource."""
        with _guarded(where):
            group = self._group(place, where)
            check_count(len(group), shapes, where)
            return [self._read(group, i, shape, where) for i, shape in enumerate(shapes)]

    def _group(self, place: Place, where: str) -> h5py.Group:
        group = self._file
        for name in place.groups:
            group = _child_layer(group, name, where)
        return _hard(group, "vars", h5py.Group, where)

    def _read(self, group: h5py.Group, index: int, shape: Shape, where: str) -> Array:
        dataset = _hard(group, str(index), h5py.Dataset, where)
        _check_dataset(dataset, shape, where, index)
        return checked(_floats(dataset, where, index), shape, where, index)


@contextmanager
def _guarded(where: str = "model.weights.h5") -> Iterator[None]:
    try:
        yield
    except _H5_ERRORS as error:
        reason = ascii(str(error))[:120]
        raise BadInputError(f"{where}: the weights file is damaged: {reason}") from None


def _child_layer(group: h5py.Group, name: str, where: str) -> h5py.Group:
    if "layers" not in group and _LEGACY_LEVEL in group:
        level = _hard(group, _LEGACY_LEVEL, h5py.Group, where)
        return _hard(level, _numbered(level, name, where), h5py.Group, where)
    return _hard(_hard(group, "layers", h5py.Group, where), name, h5py.Group, where)


def _numbered(level: h5py.Group, name: str, where: str) -> str:
    """The group of the n-th layer of a class, where numbers have gaps."""
    base, _, number = name.rpartition("_")
    base, index = (base, int(number)) if number.isdigit() and base else (name, 0)
    pattern = re.compile(re.escape(base) + r"(?:_(\d{1,6}))?")
    found: dict[int, str] = {int(m[1] or 0): key for key in level if (m := pattern.fullmatch(key))}
    if index >= len(found):
        raise BadInputError(f"{where}: the weights file has no group for it")
    return found[sorted(found)[index]]


def _hard(group: h5py.Group, name: str, kind: type[Any], where: str) -> Any:
    """A member of a group that is really there: not a link to elsewhere."""
    if name not in group:
        raise BadInputError(f"{where}: the weights file has no {name!r} for it")
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise BadInputError(f"{where}: {name!r} is a link in the weights file: refused")
    member = group[name]
    if not isinstance(member, kind):
        raise BadInputError(f"{where}: {name!r} in the weights file is no {kind.__name__}")
    return member


def _check_dataset(dataset: h5py.Dataset, shape: Shape, where: str, index: int) -> None:
    if dataset.is_virtual or dataset.external:
        raise BadInputError(f"{where}: weight {index} is kept outside the file: refused")
    if dataset.shape != shape:
        raise BadInputError(
            f"{where}: weight {index} has shape {dataset.shape}; its config says {shape}"
        )
    if dataset.chunks is not None:
        raise BadInputError(f"{where}: weight {index} is chunked; Keras writes plain datasets")
    if dataset.id.get_storage_size() != dataset.size * dataset.dtype.itemsize:
        raise BadInputError(f"{where}: weight {index} declares more values than it stores")


def _floats(dataset: h5py.Dataset, where: str, index: int) -> Array:
    """The values of a float16, float32, float64 or bfloat16 dataset, or a lone counter."""
    is_float = dataset.dtype.kind == "f" and dataset.dtype.itemsize in (2, 4, 8)
    if is_float or (dataset.shape == () and dataset.dtype.kind in "iu"):
        return np.asarray(dataset[()])
    if dataset.dtype == np.dtype("V2") and dataset.attrs.get("dtype") == "bfloat16":
        halves: Array = np.asarray(dataset[()]).view(np.uint16)
        return (halves.astype(np.uint32) << 16).view(np.float32)
    raise UnsupportedError(
        f"{where}: weight {index} is {dataset.dtype}; save the model before it is quantized"
    )


class LiveWeights:
    """Variables from a Keras model in memory."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def variables(self, place: Place, where: str, shapes: Sequence[Shape]) -> list[Array]:
        """See WeightSource."""
        layer = self._model
        for key in place.keys:
            layer = layer.get_layer(name=key)
        values = [np.asarray(value, dtype=np.float32) for value in layer.get_weights()]
        check_count(len(values), shapes, where)
        pairs = enumerate(zip(values, shapes, strict=True))
        return [checked(value, shape, where, i) for i, (value, shape) in pairs]
