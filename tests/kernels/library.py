"""The kernels, compiled for the host with UBSan and called with NumPy arrays."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

HERE = Path(__file__).parent
FIRMWARE = HERE.parents[1] / "firmware" / "src"
INCLUDES = [f"-I{FIRMWARE}", f"-I{HERE}"]
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
SANITIZE = ["-fsanitize=undefined", "-fno-sanitize-recover=all"]

LINEAR, RELU, RELU6, LEAKY_RELU, SIGMOID, TANH, RELU_N1_TO_1, RELU_0_TO_1 = range(8)
RETURNS_INT = {"bounded_f32"}
RETURNS_FLOAT = {
    f"{loss}{kind}_f32"
    for loss in ("mse", "softmax_cross_entropy", "sigmoid_cross_entropy")
    for kind in ("", "_label")
}


class Window(NamedTuple):
    """tl_window_t."""

    in_h: int
    in_w: int
    in_c: int
    out_h: int
    out_w: int
    out_c: int
    k_h: int
    k_w: int
    stride_h: int
    stride_w: int
    pad_top: int
    pad_left: int
    gap_h: int = 0
    gap_w: int = 0


class Padding(NamedTuple):
    """tl_padding_t."""

    in_h: int
    in_w: int
    in_c: int
    top: int
    bottom: int
    left: int
    right: int


class Broadcast(NamedTuple):
    """tl_broadcast_t."""

    n0: int
    n1: int
    n2: int
    a0: int
    a1: int
    a2: int
    b0: int
    b1: int
    b2: int


class Reduction(NamedTuple):
    """tl_reduce_t."""

    n0: int
    n0_step: int
    n1: int
    n1_step: int
    m0: int
    m0_step: int
    m1: int
    m1_step: int


def _struct(kind: type) -> type[ctypes.Structure]:
    fields = [(name, ctypes.c_int) for name in kind._fields]
    return type(kind.__name__, (ctypes.Structure,), {"_fields_": fields})


STRUCTS = {kind: _struct(kind) for kind in (Window, Padding, Broadcast, Reduction)}


def has_fma() -> bool:
    """Whether this processor has fused multiply-add."""
    info = Path("/proc/cpuinfo")
    return info.exists() and " fma " in info.read_text()


def build(folder: Path, fma: bool) -> Kernels:
    """Compile the library; `fma` rounds as cores with FMA do."""
    path = folder / f"kernels_fma{int(fma)}.so"
    arithmetic = ["-mfma", "-DTL_USE_FMA=1"] if fma else ["-DTL_USE_FMA=0"]
    source = str(HERE / "kernels.c")
    command = ["gcc", "-O1", "-g", "-shared", "-fPIC", *STRICT, *SANITIZE, *arithmetic]
    subprocess.run([*command, *INCLUDES, source, "-o", str(path)], check=True)
    return Kernels(path)


class Kernels:
    """k.dense_f32(y, x, w, None, 3, 4, RELU, 0.0): arrays are float32, written in place."""

    def __init__(self, path: Path) -> None:
        self._library = ctypes.CDLL(str(path))

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._library, f"k_{name}")
        function.restype = None
        if name in RETURNS_FLOAT:
            function.restype = ctypes.c_float
        if name in RETURNS_INT:
            function.restype = ctypes.c_int
        return lambda *arguments: function(*map(_argument, arguments))


def _argument(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        assert value.dtype == np.float32 and value.flags.c_contiguous
        return value.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
    if type(value) in STRUCTS:
        return STRUCTS[type(value)](*value)
    if value is None:
        return ctypes.POINTER(ctypes.c_float)()
    return ctypes.c_float(value) if isinstance(value, float) else ctypes.c_int(int(value))


def window(
    x: tuple[int, int, int],
    out_c: int,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    same: bool,
    dilation: tuple[int, int] = (1, 1),
) -> Window:
    """The window of a layer with TensorFlow's VALID or SAME padding."""
    sizes, pads = [], []
    for size, taps, step, apart in zip(x, kernel, stride, dilation, strict=False):
        k = (taps - 1) * apart + 1
        out = -(-size // step) if same else (size - k) // step + 1
        sizes.append(out)
        pads.append(max((out - 1) * step + k - size, 0) // 2 if same else 0)
    gaps = (d - 1 for d in dilation)
    return Window(*x, sizes[0], sizes[1], out_c, *kernel, *stride, *pads, *gaps)


def guarded(shape: int | tuple[int, ...]) -> np.ndarray:
    """An array between guard values; `intact` tells whether they are still there."""
    n = int(np.prod(shape))
    whole = np.full(n + 32, 12345.0, np.float32)
    whole[16:-16] = np.nan
    return whole[16:-16].reshape(shape)


def intact(array: np.ndarray) -> bool:
    """No write before or past an array made by `guarded`."""
    whole = array
    while whole.base is not None:
        whole = whole.base
    return bool((whole[:16] == 12345.0).all() and (whole[-16:] == 12345.0).all())
