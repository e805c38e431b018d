"""The device runtime, compiled for this machine and reached through ctypes.

The shared library traps on undefined behaviour; the programs run under the address sanitizer.
"""

from __future__ import annotations

import ctypes as c
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from tinylearn.device.client import Device

HERE = Path(__file__).resolve().parent / "c"
SOURCES = Path(__file__).resolve().parents[2] / "firmware" / "src"
FLAGS = ["-std=c99", "-g", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
TRAP = ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error", "-fPIC", "-shared"]
ADDRESS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]

INPUTS, MAX_CLASSES, OUTPUTS = 6, 5, 2
SOFTMAX, LINEAR = 0, 1
SOFTMAX_BYTES = 4 * (MAX_CLASSES * INPUTS + MAX_CLASSES + 1)
OBSERVED = SOFTMAX_BYTES // 4 - 1
"""Index, among the weights, of the count of observe() calls."""


class DriftConfig(c.Structure):
    _fields_ = [
        ("slack", c.c_float), ("threshold", c.c_float), ("clip", c.c_float),
        ("warmup", c.c_uint16), ("memory", c.c_uint16),
    ]  # fmt: skip


class GateConfig(c.Structure):
    _fields_ = [("recovery", c.c_float), ("least", c.c_uint16), ("most", c.c_uint32)]


class GuardConfig(c.Structure):
    _fields_ = [("factor", c.c_float), ("interval", c.c_uint16), ("patience", c.c_uint16)]


class LearnerConfig(c.Structure):
    _fields_ = [
        ("mode", c.c_uint8), ("starts_open", c.c_uint8), ("fading", c.c_float), ("drift", DriftConfig),
        ("gate", GateConfig), ("guard", GuardConfig),
    ]  # fmt: skip


class Step(c.Structure):
    _fields_ = [
        ("loss", c.c_float), ("error", c.c_float), ("output", c.c_int32),
        ("status", c.c_uint8), ("events", c.c_uint8),
    ]  # fmt: skip


def config(mode: int = 1, **parts: object) -> LearnerConfig:
    """TL_LEARNER_DEFAULTS with changes: starts_open, fading, drift, gate, guard."""
    defaults = {
        "starts_open": 0,
        "fading": 0.99,
        "drift": DriftConfig(0.25, 25, 4, 32, 1024),
        "gate": GateConfig(1.25, 64, 2000),
        "guard": GuardConfig(3, 64, 256),
    }
    return LearnerConfig(mode, *(parts.get(name, value) for name, value in defaults.items()))


def _sources() -> list[str]:
    own = [HERE / name for name in ("host.c", "models.c", "flash.c", "fleet.c")]
    return [str(path) for path in (*own, *sorted(SOURCES.glob("tl_*.c")))]


@functools.cache
def _folder() -> Path:
    if shutil.which("gcc") is None:
        import pytest

        pytest.skip("gcc is not installed")
    return Path(tempfile.mkdtemp(prefix="tl_runtime_"))


def _compile(out: Path, flags: list[str], sources: list[str]) -> None:
    includes = [f"-I{SOURCES}", f"-I{HERE}"]
    subprocess.run(["gcc", *FLAGS, *flags, *includes, *sources, "-o", str(out)], check=True)


@functools.cache
def program(name: str, *defines: str) -> Path:
    """A test program under the address and undefined-behaviour sanitizers."""
    out = _folder() / "_".join((name, *defines)).replace("=", "")
    _compile(out, [*ADDRESS, *(f"-D{d}" for d in defines)], [str(HERE / f"{name}.c"), *_sources()])
    return out


@functools.cache
def library(*defines: str) -> c.CDLL:
    """The runtime with two models and a simulated flash; ``defines`` such as TL_FRAME_BYTES=64."""
    out = _folder() / ("_".join(("runtime", *defines)).replace("=", "") + ".so")
    _compile(out, [*TRAP, *(f"-D{d}" for d in defines)], _sources())
    lib = c.CDLL(str(out))
    for name in ("host_new", "host_learner", "host_store", "host_flash"):
        getattr(lib, name).restype = c.c_void_p
    lib.learner_last.restype = c.POINTER(Step)
    lib.learner_outputs.restype = c.POINTER(c.c_float)
    lib.store_sequence.restype = lib.crc32_of.restype = c.c_uint32
    lib.host_exchange.restype = lib.frame_encode.restype = c.c_size_t
    lib.frame_decode.restype = c.c_size_t
    return lib


class Host:
    """One simulated device; also the transport to itself."""

    name = "simulated device"

    def __init__(
        self,
        kind: int = SOFTMAX,
        flash_bytes: int = 1024,
        snapshot: bool = True,
        settings: LearnerConfig | None = None,
        defines: tuple[str, ...] = (),
    ) -> None:
        self.lib = library(*defines)
        self.kind = kind
        reference = c.byref(settings) if settings is not None else None
        self._host = c.c_void_p(self.lib.host_new(kind, flash_bytes, int(snapshot), reference))
        self._learner = c.c_void_p(self.lib.host_learner(self._host))
        self._received = b""

    def __del__(self) -> None:
        self.lib.host_free(self._host)

    # ---- the transport ----

    def send(self, data: bytes) -> None:
        self._received += self.exchange(data)

    def receive(self, timeout: float) -> bytes:
        data, self._received = self._received, b""
        return data

    def close(self) -> None:
        pass

    def exchange(self, data: bytes) -> bytes:
        """What the device answers to these bytes."""
        reply = c.create_string_buffer(1 << 16)
        n = self.lib.host_exchange(self._host, data, c.c_size_t(len(data)), reply, len(reply))
        return reply.raw[:n]

    def device(self) -> Device:
        return Device(self, timeout=0.001, retries=2)

    # ---- the learner ----

    def step(self, x: np.ndarray, label: int | None = None, target: object = None) -> Step:
        """One sample straight into the learner."""
        xs = np.ascontiguousarray(x, np.float32)
        if label is not None:
            self.lib.tl_learner_step(self._learner, xs.ctypes, c.c_uint32(label))
        else:
            ts = np.ascontiguousarray(target, np.float32)
            self.lib.tl_learner_step_target(self._learner, xs.ctypes, ts.ctypes)
        return Step.from_buffer_copy(self.lib.learner_last(self._learner).contents)

    @property
    def gate_open(self) -> bool:
        return bool(self.lib.learner_gate_open(self._learner))

    def outputs(self, n: int) -> np.ndarray:
        return np.array(self.lib.learner_outputs(self._learner)[:n], np.float32)

    def set_rate(self, rate: float) -> None:
        self.lib.host_set_rate(self._host, c.c_float(rate))

    def weights(self) -> bytes:
        n = SOFTMAX_BYTES if self.kind == SOFTMAX else 4 * OUTPUTS * (INPUTS + 1)
        buffer = c.create_string_buffer(n)
        assert self.lib.host_weights(self._host, buffer) == 0
        return buffer.raw

    # ---- the store ----

    def restart(self) -> None:
        self.lib.host_restart(self._host)

    def save(self) -> int:
        return int(self.lib.host_save(self._host))

    @property
    def flash(self) -> Flash:
        return Flash.from_address(self.lib.host_flash(self._host))

    @property
    def live(self) -> int:
        return int(self.lib.store_live(c.c_void_p(self.lib.host_store(self._host))))

    @property
    def sequence(self) -> int:
        return int(self.lib.store_sequence(c.c_void_p(self.lib.host_store(self._host))))


class Flash(c.Structure):
    _fields_ = [
        ("bytes", c.c_uint8 * 4096), ("size", c.c_uint32), ("power", c.c_uint32),
        ("torn", c.c_uint8), ("erase_down", c.c_uint8), ("worn", c.c_uint32),
        ("stuck", c.c_uint32), ("touched", c.c_uint32), ("misuse", c.c_uint32),
    ]  # fmt: skip
