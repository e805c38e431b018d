"""Kernels of learning in integers, compiled for the host with UBSan and called with NumPy arrays."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from library import HERE, INCLUDES, SANITIZE, STRICT

_FLOATS = {f"{loss}{kind}_i8" for loss in ("mse", "softmax_cross_entropy", "sigmoid_cross_entropy")
           for kind in ("", "_label")}  # fmt: skip
_INTS = {"exp_q15", "ln_q12", "shifted_i32", "random_round_i32", "requantize_s8", "clamp_s8"}


def build(folder: Path) -> IntegerKernels:
    """Compiles vectors_i8.c as a library."""
    path = folder / "kernels_i8.so"
    sources = [str(HERE / "vectors_i8.c"), str(HERE / "host_s8.c")]
    command = ["gcc", "-O1", "-g", "-shared", "-fPIC", *STRICT, *SANITIZE]
    subprocess.run([*command, *INCLUDES, *sources, "-o", str(path)], check=True)
    return IntegerKernels(path)


def _argument(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        assert value.flags.c_contiguous and value.dtype in (np.int8, np.int16, np.int32, np.float32)
        return ctypes.c_void_p(value.ctypes.data)
    if value is None:
        return ctypes.c_void_p()
    if isinstance(value, float):
        return ctypes.c_float(value)
    return ctypes.c_uint32(value) if value > 0x7FFFFFFF else ctypes.c_int32(int(value))


class IntegerKernels:
    """k.dense_i8(z, z_exp, x, ...): arrays are written in place, an exponent is an array of one."""

    def __init__(self, path: Path) -> None:
        self._library = ctypes.CDLL(str(path))

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._library, f"k_{name}")
        function.restype = (ctypes.c_float if name in _FLOATS else
                            ctypes.c_int32 if name in _INTS else None)  # fmt: skip
        return lambda *args: function(*(_argument(a) for a in args))
