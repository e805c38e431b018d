"""Imports TFLite models: int8 and uint8 quantized, float32, and mixed ones. No TensorFlow.

The file is untrusted: every size and index is checked, and whatever is wrong ends in a
BadInputError or an UnsupportedError that names the file, the operator and its place.
"""

from __future__ import annotations

from pathlib import Path

from tinylearn.errors import BadInputError, TinylearnError
from tinylearn.importers.tflite import file, network
from tinylearn.ir.graph import Graph


def load(path: Path, rounding: str = "single") -> Graph:
    """The graph of a `.tflite` file, named after the file.

    ``rounding``: "single" for LiteRT's reference kernels, "double" for its optimized ones (see
    ir.quant.formula). Raises BadInputError for a damaged or hostile file, UnsupportedError for
    what tinylearn cannot run.
    """
    try:
        model = file.read(path)
        return network.build(model, path.stem, rounding)
    except TinylearnError as error:
        raise type(error)(f"{path.name}: {error}") from None
    except (ArithmeticError, LookupError, ValueError, TypeError, MemoryError) as error:
        # a number that no check above foresaw; never a traceback for a file's mistake
        raise BadInputError(f"{path.name}: damaged ({error!r})") from None
