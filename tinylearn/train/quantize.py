"""Post-training int8 quantization of a Keras model, by TensorFlow's converter.

Weights and activations become int8 by the scheme of Jacob et al. 2018; the ranges of activations
come from representative samples. What it costs in accuracy is measured by the reference kernels.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinylearn.emit.write import write_file
from tinylearn.errors import BadInputError, TinylearnError, UsageError
from tinylearn.ir.graph import Array
from tinylearn.ir.quant import Quant
from tinylearn.train import layer_error, litert
from tinylearn.train.data import Data, Samples, load
from tinylearn.train.layer_error import LayerError
from tinylearn.train.tensorflow import modules

CALIBRATION = 200
_TRIED = 500
_LAYER_SAMPLES = 64
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Quantized:
    """What was written, and how it compares. ``score``: accuracy, or mean squared error without
    labels; ``agreement``: share of samples with the same decision (None without labels)."""

    path: Path
    bytes: int
    calibration_samples: int
    measured_on: str
    samples: int
    measure: str
    score_before: float
    score_after: float
    agreement: float | None
    layers: tuple[LayerError, ...]


def quantize(model_path: Path, data_path: Path, out: Path, io_dtype: str = "int8",
             calibration: int = CALIBRATION, progress: Progress | None = None) -> Quantized:  # fmt: skip
    """Quantizes a .keras file with the samples of a data file and writes a .tflite file.

    Raises BadInputError, UsageError, MissingToolError without TensorFlow, or TinylearnError where
    the converter refuses the model.
    """
    _check_paths(model_path, out)
    data = load(data_path)
    with _silenced():
        model = _loaded(model_path)
        _check_samples(model, data, data_path)
        content = _converted(model, data.train, io_dtype, calibration)
    write_file(out, content)
    return _compared(model, data, out, min(calibration, len(data.train)), progress)


def _check_paths(model: Path, out: Path) -> None:
    if out.suffix != ".tflite":
        raise UsageError(
            f"{out.name}: a quantized model is saved as .tflite; name it {out.stem}.tflite"
        )
    if not out.parent.is_dir():
        raise UsageError(f"{out}: there is no such folder to write to")
    if model.suffix != ".keras":
        raise UsageError(f"{model}: not a .keras file; quantize takes a Keras 3 model")
    if not model.is_file():
        raise BadInputError(f"{model}: no such file")


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """The converter prints what no user needs to know, from Python and from C++."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _loaded(path: Path) -> Any:
    try:
        return modules().keras.saving.load_model(path, compile=False, safe_mode=True)
    except TinylearnError:
        raise
    except Exception as error:  # Keras raises whatever a damaged archive leads to
        raise BadInputError(f"{path}: Keras cannot load it ({_reason(error)})") from None


def _reason(error: Exception) -> str:
    """The first line of what another library says, or else the error's name."""
    said = str(error).strip()
    return said.splitlines()[0][:200] if said else type(error).__name__


def _check_samples(model: Any, data: Data, path: Path) -> None:
    wanted = tuple(model.input_shape[1:]) if isinstance(model.input_shape, tuple) else None
    if wanted is None:
        raise UsageError(f"model {model.name}: it has several inputs; one is supported")
    if data.train.x.shape[1:] != wanted:
        raise BadInputError(
            f"{path.name}: samples of shape {data.train.x.shape[1:]}, the model takes {wanted}"
        )
    outputs = int(np.prod(model.output_shape[1:]))
    highest = max(outputs, 2) - 1
    if data.train.y is not None and data.train.y.max() > highest:
        raise BadInputError(
            f"{path.name}: label {data.train.y.max()}, but the model tells 0 to {highest} apart"
        )


def _spread(samples: Samples, most: int) -> Array:
    """Indices of at most so many samples, evenly over all."""
    return np.linspace(0, len(samples) - 1, min(most, len(samples))).round().astype(int)


def _converted(model: Any, samples: Samples, io_dtype: str, calibration: int) -> bytes:
    tf = modules().tf
    chosen = _spread(samples, calibration)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([samples.x[i : i + 1]] for i in chosen)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    dtype = tf.int8 if io_dtype == "int8" else tf.float32
    converter.inference_input_type = converter.inference_output_type = dtype
    try:
        return bytes(converter.convert())
    except Exception as error:  # the converter's errors are of any type
        raise TinylearnError(
            f"model {model.name}: the converter refuses it ({_reason(error)})"
        ) from None


class _Runner:
    """A quantized file on LiteRT's reference kernels, in real units."""

    def __init__(self, path: Path) -> None:
        self.interpreter = litert.interpreter(path, keep_tensors=True)
        self.interpreter.allocate_tensors()
        self.x = self.interpreter.get_input_details()[0]
        self.y = self.interpreter.get_output_details()[0]

    def predict(self, x: Array) -> Array:
        self.interpreter.set_tensor(self.x["index"], self._codes(x[None]))
        self.interpreter.invoke()
        return self.real(self.y)

    def real(self, details: Mapping[str, Any]) -> Array:
        """A tensor's values as floats."""
        return layer_error.dequantized(details, self.tensor(details)).ravel()

    def tensor(self, details: Mapping[str, Any]) -> Array:
        """A tensor as it is stored."""
        return np.asarray(self.interpreter.get_tensor(details["index"]))

    def _codes(self, x: Array) -> Array:
        scale, zero = self.x["quantization"]
        if self.x["dtype"] == np.float32:
            return x.astype(np.float32)
        return Quant((scale,), (zero,)).codes(x, "int8").astype(np.int8)


def _judged(data: Data) -> tuple[str, Samples]:
    """Samples that the calibration has not seen, where the file has some."""
    name, samples = ("test", data.test) if data.test is not None else ("training", data.train)
    return name, samples.take(_spread(samples, _TRIED))


def _decisions(y: Array) -> Array:
    """Class numbers of outputs [n, classes], or of one output at 1/2."""
    return np.asarray(y[:, 0] > 0.5 if y.shape[1] == 1 else y.argmax(axis=1)).astype(int)


def _compared(model: Any, data: Data, out: Path, calibrated: int,
              progress: Progress | None) -> Quantized:  # fmt: skip
    (name, samples), runner = _judged(data), _Runner(out)
    before = np.asarray(model.predict(samples.x, verbose=0)).reshape(len(samples), -1)
    after, sums, watch = [], layer_error.Sums(), _Layers(model, runner, samples)
    for i, x in enumerate(samples.x):
        after.append(runner.predict(x))
        watch.add(sums, i)
        if progress is not None:
            progress(i + 1, len(samples))
    measure, scores, agreement = _scores(before, np.array(after), samples)
    return Quantized(out, out.stat().st_size, calibrated, name, len(samples), measure, *scores,
                     agreement, tuple(sums.results()))  # fmt: skip


def _scores(
    before: Array, after: Array, samples: Samples
) -> tuple[str, tuple[float, float], float | None]:
    if samples.y is None:
        errors = [float(np.mean((y - samples.x.reshape(y.shape)) ** 2)) if y.size == samples.x.size
                  else float(np.mean((y - before) ** 2)) for y in (before, after)]  # fmt: skip
        return "mean squared error", (errors[0], errors[1]), None
    decisions = [_decisions(y) for y in (before, after)]
    hits = [float(np.mean(d == samples.y)) for d in decisions]
    return "accuracy", (hits[0], hits[1]), float(np.mean(decisions[0] == decisions[1]))


class _Layers:
    """The layers' float outputs for the first samples, and the tensors that stand for them."""

    def __init__(self, model: Any, runner: _Runner, samples: Samples) -> None:
        layers = [layer for layer in model.layers if layer.__class__.__name__ != "InputLayer"]
        keras, self.runner = modules().keras, runner
        outputs = keras.Model(model.inputs, [layer.output for layer in layers])
        values = outputs.predict(samples.x[:_LAYER_SAMPLES], verbose=0)
        values = values if isinstance(values, list) else [values]
        self.values = {layer.name: np.asarray(v) for layer, v in zip(layers, values, strict=True)}
        sizes = {name: v[0].size for name, v in self.values.items()}
        details = runner.interpreter.get_tensor_details()
        self.tensors = layer_error.pairs(details, sizes)
        self.tensors[layers[-1].name] = runner.y  # the converter gives the output its own name

    def add(self, sums: layer_error.Sums, sample: int) -> None:
        """The errors of one sample that has just been predicted."""
        if sample < _LAYER_SAMPLES:
            for name, values in self.values.items():
                if name in self.tensors:
                    details = self.tensors[name]
                    sums.add(name, details, self.runner.tensor(details), values[sample])
