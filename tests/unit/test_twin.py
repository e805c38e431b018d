"""Host twins: built once, independent of each other, as the protocol and as direct calls."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support import graphs, harness

from tinylearn.device import build as build_module
from tinylearn.device.build import build_project, build_twin
from tinylearn.device.client import Device
from tinylearn.device.host import open_device, open_transport
from tinylearn.device.qemu import QemuTransport
from tinylearn.device.twin import Twin, TwinLibrary, load_twin
from tinylearn.emit.generate import project_files
from tinylearn.emit.write import write_project
from tinylearn.errors import (
    BadInputError,
    DeviceError,
    MissingToolError,
    RefusedError,
    TinylearnError,
    UnsupportedError,
    UsageError,
)
from tinylearn.pipeline import Choices
from tinylearn.targets import find

RNG = np.random.default_rng(5)
X = RNG.normal(size=(40, 5)).astype(np.float32)
LABELS = RNG.integers(0, 4, 40)


def write(folder: Path, choices: Choices, target: str = "cortex-m4f") -> Path:
    model = harness.emitted(graphs.mlp(), choices, "mlp")
    write_project(folder, project_files(model, find(target), "makefile"))
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("twin") / "mlp", Choices(learn="all", rate=0.05))


@pytest.fixture(scope="module")
def library(project: Path) -> TwinLibrary:
    return load_twin(project, "mlp", "cortex-m4f")


@pytest.fixture
def twin(library: TwinLibrary) -> Iterator[Twin]:
    device = library.open()
    yield device
    device.close()


def test_many_twins_learn_apart(library: TwinLibrary) -> None:
    one, two, *rest = [library.open() for _ in range(1000)]
    start = two.read_weights()
    one.learn_label(X, LABELS)
    assert one.read_weights() != start
    assert all(other.read_weights() == start for other in (two, *rest))
    for device in (one, two, *rest):
        device.close()


def test_direct_calls_and_protocol_are_one_device(twin: Twin) -> None:
    device = Device(twin)
    np.testing.assert_array_equal(device.predict(X[0]), twin.predict(X[0]))
    twin.learn_label(X[1], LABELS[1:2])
    assert device.read_weights().weights == twin.read_weights()


def test_learning_in_one_call_or_many_is_the_same(library: TwinLibrary) -> None:
    together, apart, split = library.open(), library.open(), library.open()
    losses = together.learn_label(X, LABELS)
    singly = [apart.learn_label(x, [int(n)])[0] for x, n in zip(X, LABELS, strict=True)]
    for x, n in zip(X, LABELS, strict=True):
        split.observe(x)
        split.update_label(x, [int(n)])
    assert losses.tolist() == singly
    assert together.read_weights() == apart.read_weights() == split.read_weights()
    again = together.learn_label(np.tile(X, (50, 1)), np.tile(LABELS, 50))
    assert again[-40:].mean() < 0.7 * losses.mean()


def test_one_hot_targets_equal_labels(library: TwinLibrary) -> None:
    a, b = library.open(), library.open()
    hot = np.eye(4, dtype=np.float32)[LABELS]
    np.testing.assert_allclose(a.learn(X, hot), b.learn_label(X, LABELS), rtol=1e-6)


def test_shapes_follow_the_input(twin: Twin) -> None:
    assert twin.predict(X[0]).shape == (4,)
    assert twin.predict(X[:1]).shape == (1, 4)
    assert twin.predict(X).shape == (40, 4)
    with pytest.raises(UsageError, match="takes 5 values a sample, not 7"):
        twin.predict(np.zeros(7))
    with pytest.raises(UsageError, match="40 samples but 3 targets"):
        twin.learn_label(X, [0, 1, 2])
    with pytest.raises(UsageError, match="whole numbers"):
        twin.learn_label(X[0], [-1])


def test_weights_in_and_out(twin: Twin, library: TwinLibrary) -> None:
    twin.learn_label(X, LABELS)
    other = library.open()
    other.write_weights(twin.read_weights())
    np.testing.assert_array_equal(other.predict(X), twin.predict(X))
    with pytest.raises(RefusedError, match="bytes of weights"):
        twin.write_weights(b"\0" * 8, offset=twin.info.weights_bytes - 4)
    other.init()
    assert other.read_weights() == library.open().read_weights()


def test_rate_and_classes(twin: Twin) -> None:
    assert twin.learning_rate == pytest.approx(0.05)
    twin.learning_rate = 0.25
    assert twin.learning_rate == 0.25
    assert twin.classes == 4
    with pytest.raises(RefusedError, match="no output left"):
        twin.add_class()


def test_saved_weights_live_through_a_restart(twin: Twin) -> None:
    device = Device(twin)
    twin.learn_label(X, LABELS)
    learnt = twin.read_weights()
    device.save()
    twin.learn_label(X, LABELS)
    twin.restart()
    assert twin.read_weights() == learnt


class Tap:
    """A dead line that keeps what was sent."""

    name = "tap"

    def __init__(self) -> None:
        self.sent = b""

    def send(self, data: bytes) -> None:
        self.sent += data

    def receive(self, timeout: float) -> bytes:
        return b""

    def close(self) -> None:
        pass


def test_receive_waits_for_another_thread(twin: Twin) -> None:
    started = time.monotonic()
    assert twin.receive(0.1) == b""
    assert time.monotonic() - started >= 0.09
    tap = Tap()
    with pytest.raises(DeviceError):
        Device(tap, timeout=0.01, retries=0).info()
    sender = threading.Timer(0.2, twin.send, [tap.sent])
    sender.start()
    assert twin.receive(20) != b""
    sender.join()
    assert time.monotonic() - started < 10


def test_twins_in_parallel_threads(library: TwinLibrary) -> None:
    alone = library.open()
    alone.learn_label(np.tile(X, (50, 1)), np.tile(LABELS, 50))
    twins = [library.open() for _ in range(4)]
    threads = [
        threading.Thread(target=t.learn_label, args=(np.tile(X, (50, 1)), np.tile(LABELS, 50)))
        for t in twins
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {t.read_weights() for t in twins} == {alone.read_weights()}


def test_closed_twin_says_so(library: TwinLibrary) -> None:
    device = library.open("bench 7")
    device.close()
    device.close()
    for call in (lambda: device.send(b"x"), lambda: device.receive(0), lambda: device.predict(X)):
        with pytest.raises(DeviceError, match="bench 7: is closed"):
            call()


def test_unchanged_project_is_compiled_once(project: Path, library: TwinLibrary) -> None:
    path = build_twin(project, "mlp", "cortex-m4f")
    stamp = path.stat().st_mtime_ns
    assert build_twin(project, "mlp", "cortex-m4f") == path
    assert path.stat().st_mtime_ns == stamp
    assert build_twin(project, "mlp", "cortex-m3") != path  # rounds differently


def test_compiler_errors_are_shown(tmp_path: Path) -> None:
    folder = write(tmp_path / "broken", Choices())
    with (folder / "mlp.c").open("a") as file:
        file.write("int 3;\n")
    with pytest.raises(TinylearnError, match=r"mlp\.c:\d+:\d+: error"):
        build_twin(folder, "mlp", "cortex-m4f")
    assert not list((folder / "build").glob("*.so")) + list((folder / "build").glob("*.part"))


def test_a_model_that_does_not_learn_refuses(tmp_path: Path) -> None:
    frozen = load_twin(write(tmp_path / "frozen", Choices()), "mlp", "cortex-m4f").open()
    assert not frozen.info.can_learn
    assert frozen.read_weights() == b""
    with pytest.raises(RefusedError, match="cannot do that"):
        frozen.learn_label(X[0], [1])


def test_missing_tools_are_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_module.shutil, "which", lambda program: None)
    with pytest.raises(MissingToolError, match=r"make is not installed.*apt-get install make"):
        build_project(project, "mlp", find("cortex-m4f"))
    with pytest.raises(MissingToolError, match=r"apt-get install qemu-system-arm"):
        QemuTransport(project / "x.elf", find("cortex-m4f"))


def test_what_cannot_be_opened(project: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="device telnet: there are twin, emulator, serial:PORT"):
        open_transport("telnet", project)
    with pytest.raises(BadInputError, match="not a project"):
        open_device("twin", tmp_path)
    with pytest.raises(DeviceError, match=r"no-such-port.*plugged in"):
        open_device("serial:/dev/no-such-port", project)
    with pytest.raises(UnsupportedError, match="esp32-c3: no emulator"):
        QemuTransport(project / "x.elf", find("esp32-c3"))
    with pytest.raises(BadInputError, match="has no Makefile"):
        build_project(tmp_path, "mlp", find("cortex-m4f"))


def test_serial_line_over_a_pseudo_terminal() -> None:
    pytest.importorskip("serial", reason="needs tinylearn[serial]")
    from tinylearn.device.serial import SerialTransport

    board, port = os.openpty()
    line = SerialTransport(os.ttyname(port))
    line.send(b"\x00\x11\x13\xff")
    assert os.read(board, 16) == b"\x00\x11\x13\xff"
    assert line.receive(0.01) == b""
    os.write(board, bytes(range(256)))
    data = b""
    while len(data) < 256:
        data += line.receive(1.0)
    assert data == bytes(range(256))
    os.close(port)
    os.close(board)
    with pytest.raises(DeviceError, match="plugged in"):
        line.receive(0.1)
    line.close()
