"""run: streams good and bad, what becomes of each sample, weights in and out."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cli_tools import done, refused, snapshot, stream

from tinylearn.device import blob
from tinylearn.device.client import Device
from tinylearn.device.host import open_device
from tinylearn.device.messages import Reset
from tinylearn.errors import RefusedError

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs cc, a C compiler")
Project = Callable[..., Path]
LEARNS = ("--learn", "all", "--rate", "0.1")
GROWS = ("--head", "dense:2", "--max-classes", "4", "--at", "features", "--rate", "0.1")
KEYS = {
    "samples", "learned", "refused", "unknown_labels", "drifts_at", "accuracy",
    "accuracy_first_quarter", "accuracy_last_quarter", "mean_loss", "recent_loss", "classes",
    "instructions_per_learned_sample", "stack_bytes",
}  # fmt: skip


@pytest.fixture
def mlp(project: Project) -> Path:
    return project("mlp", *LEARNS)


def weights(folder: Path, data: Path, *options: object) -> bytes:
    """The device's weights after a stream."""
    out = data.with_suffix(".tlw")
    done("run", folder, "--stream", data, "--weights-out", out, *options)
    return blob.unpack(out.read_bytes()).weights


def separable(path: Path, n: int = 240) -> Path:
    """A stream that a small network learns: the class is the largest of three inputs."""
    x = np.random.default_rng(2).normal(size=(n, 4)).astype("f4")
    return stream(path, x=x, y=x[:, :3].argmax(1))


# ---- what is reported ----


def test_json(mlp: Path, tmp_path: Path) -> None:
    found = done("run", mlp, "--stream", stream(tmp_path / "s.npz"), "--json").json
    assert set(found) == KEYS
    assert (found["samples"], found["learned"], found["refused"]) == (40, 40, 0)
    assert (found["classes"], found["unknown_labels"], found["drifts_at"]) == (3, 0, [])
    assert found["stack_bytes"] is None and found["instructions_per_learned_sample"] is None
    assert 0 <= found["accuracy"] <= 1 and found["mean_loss"] > 0


def test_table(mlp: Path, tmp_path: Path) -> None:
    lines = done("run", mlp, "--stream", stream(tmp_path / "s.npz")).out.splitlines()
    shown = dict(line.rsplit(maxsplit=1) for line in lines)
    assert shown["samples"] == shown["learned"] == "40"
    assert "stack bytes" not in shown and "drifts at" not in shown


def test_the_device_learns(mlp: Path, tmp_path: Path) -> None:
    data = separable(tmp_path / "s.npz")
    learning = done("run", mlp, "--stream", data, "--json").json
    frozen = done("run", mlp, "--stream", data, "--mode", "never", "--json").json
    assert learning["accuracy_last_quarter"] > 0.85 > frozen["accuracy_last_quarter"]
    assert (frozen["learned"], learning["learned"]) == (0, 240)
    slower = done("run", mlp, "--stream", data, "--rate", "0", "--json").json
    assert slower["accuracy"] == frozen["accuracy"] and slower["learned"] == 240


def test_gated_learning_waits_for_a_drift(mlp: Path, tmp_path: Path) -> None:
    data = stream(tmp_path / "s.npz", n=30)
    assert done("run", mlp, "--stream", data, "--mode", "gated", "--json").json["learned"] == 0


def test_the_same_stream_gives_the_same_weights(mlp: Path, tmp_path: Path) -> None:
    data = stream(tmp_path / "s.npz")
    assert weights(mlp, data) == weights(mlp, data) != weights(mlp, data, "--rate", "0.2")


def test_plot(mlp: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    plot = tmp_path / "curve.png"
    result = done("run", mlp, "--stream", stream(tmp_path / "s.npz"), "--plot", plot)
    assert result.out.splitlines()[-1] == f"curve: {plot}"
    assert plot.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


@pytest.mark.emulated
def test_the_emulated_board_goes_the_twins_way(mlp: Path, tmp_path: Path) -> None:
    for program in ("arm-none-eabi-gcc", "qemu-system-arm"):
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}")
    data = stream(tmp_path / "s.npz", n=12, y=np.arange(12) % 5)
    twin = done("run", mlp, "--stream", data, "--json").json
    words = ["--device", "emulator", "--save", "--weights-out", tmp_path / "board.tlw"]
    board = done("run", mlp, "--stream", data, "--json", *words).json
    assert board.pop("instructions_per_learned_sample") > 300 and board.pop("stack_bytes") > 40
    assert {**twin, **board} == twin and board["unknown_labels"] == 4
    assert blob.unpack((tmp_path / "board.tlw").read_bytes()).weights == weights(mlp, data)


# ---- labels, targets, classes that appear ----


def test_new_labels_add_outputs_up_to_the_maximum(project: Project, tmp_path: Path) -> None:
    folder, labels = project("mlp", *GROWS), np.array([0, 1, 7, 0, 900, 7, 5, 5, 900, 1])
    data = stream(tmp_path / "s.npz", n=10, y=labels)
    out = tmp_path / "w.tlw"
    found = done("run", folder, "--stream", data, "--json", "--weights-out", out).json
    assert found["classes"] == 4 and found["unknown_labels"] == 2, "5 finds no free output"
    assert found["learned"] == 8
    assert blob.unpack(out.read_bytes()).labels == (0, 1, 7, 900)
    again = done("run", folder, "--stream", data, "--json", "--weights-in", out).json
    assert again["classes"] == 4


def test_a_head_may_start_without_any_class(project: Project, tmp_path: Path) -> None:
    folder = project("mlp", "--head", "dense:0", "--max-classes", "3", "--at", "features")
    data = stream(tmp_path / "s.npz", n=9, y=np.arange(9) % 3)
    assert done("run", folder, "--stream", data, "--json").json["classes"] == 3


def test_labels_beyond_the_classes_are_counted_and_not_learnt(mlp: Path, tmp_path: Path) -> None:
    data = stream(tmp_path / "s.npz", y=np.arange(40) % 5)
    found = done("run", mlp, "--stream", data, "--json").json
    assert (found["unknown_labels"], found["learned"], found["refused"]) == (16, 24, 0)
    assert "unknown labels" in done("run", mlp, "--stream", data).out
    strange = stream(tmp_path / "t.npz", y=np.full(40, 2**32 - 1))
    before = weights(mlp, strange, "--mode", "never")
    assert weights(mlp, strange) == before


def test_one_hot_targets_are_as_good_as_labels(mlp: Path, tmp_path: Path) -> None:
    labels = np.arange(40) % 3
    by_label = weights(mlp, stream(tmp_path / "l.npz", y=labels))
    assert weights(mlp, stream(tmp_path / "t.npz", y=np.eye(3, dtype="f4")[labels])) == by_label
    assert weights(mlp, stream(tmp_path / "c.npz", y=labels[:, None].astype(float))) == by_label


def test_whole_numbers_are_targets_of_a_regression(project: Project, tmp_path: Path) -> None:
    folder = project("regressor", *LEARNS)
    data = stream(tmp_path / "s.npz", width=2, y=np.arange(40) % 7)
    found = done("run", folder, "--stream", data, "--json").json
    assert (found["learned"], found["unknown_labels"], found["accuracy"]) == (40, 0, None)


def test_without_y_the_samples_are_their_targets(project: Project, tmp_path: Path) -> None:
    folder = project("autoencoder", *LEARNS)
    x = np.random.default_rng(0).normal(size=(200, 1)) * np.array([[1, -1, 0.5, 0]]) + 0.2
    found = done("run", folder, "--stream", stream(tmp_path / "s.npz", x=x, y=None), "--json").json
    assert found["learned"] == 200 and found["recent_loss"] < 0.7 * found["mean_loss"]


def test_csv_is_as_good_as_npz(mlp: Path, tmp_path: Path) -> None:
    data = stream(tmp_path / "s.npz", n=12)
    with np.load(data) as arrays:
        rows = [",".join(map(repr, [*map(float, x), int(y)])) for x, y in zip(*arrays.values())]  # noqa: B905
    wanted = weights(mlp, data)
    for name, first in (("plain", []), ("header", ["a,b,c,d,label"]), ("bom", ["\ufeffa,b,c,d,e"])):
        path = tmp_path / f"{name}.csv"
        path.write_text("\n".join([*first, *rows, "", ""]), encoding="utf-8")
        assert weights(mlp, path) == wanted, name


# ---- samples that are not finite ----


def test_samples_that_are_not_finite_never_change_the_weights(mlp: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(40, 4))
    x[::4, 1], x[1::4, 2], x[2::4, 0], x[3::4, 3] = np.nan, np.inf, -np.inf, 1e300
    data = stream(tmp_path / "bad.npz", x=x)
    found = done("run", mlp, "--stream", data, "--json").json
    assert (found["refused"], found["learned"]) == (40, 0)
    assert weights(mlp, data) == weights(mlp, data, "--mode", "never")


def test_good_samples_between_bad_ones_are_learnt_as_if_alone(mlp: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(40, 4)).astype("f4"), random.integers(0, 3, 40)
    mixed = x.copy()
    mixed[1::2, 2] = np.nan
    found = done("run", mlp, "--stream", stream(tmp_path / "m.npz", x=mixed, y=y), "--json").json
    assert (found["refused"], found["learned"]) == (20, 20)
    alone = weights(mlp, stream(tmp_path / "a.npz", x=x[::2], y=y[::2]))
    assert weights(mlp, tmp_path / "m.npz") == alone


def test_targets_that_are_not_finite_are_refused(project: Project, tmp_path: Path) -> None:
    folder, y = project("regressor", *LEARNS), np.linspace(0, 1, 40)
    y[7], y[9] = np.nan, np.inf
    found = done("run", folder, "--stream", stream(tmp_path / "s.npz", width=2, y=y), "--json").json
    assert (found["refused"], found["learned"]) == (2, 38)


# ---- streams that are none, or of another model ----

X = np.zeros((6, 4), "f4")
Y = np.arange(6) % 3
WRONG = {
    "width": ({"x": np.zeros((6, 5))}, "its samples have 5 values (5), model mlp takes 4"),
    "image": ({"x": np.zeros((6, 2, 3))}, "(2x3)"),
    "negative": ({"y": Y - 1}, "class numbers 0, 1, 2"),
    "fractions": ({"y": Y + 0.5}, "class numbers 0, 1, 2"),
    "nan labels": ({"y": np.where(Y == 1, np.nan, Y)}, "class numbers 0, 1, 2"),
    "2^32": ({"y": Y + 2**32}, "class numbers"),
    "1e300": ({"y": Y + 1e300}, "class numbers"),
    "targets": ({"y": np.zeros((6, 2))}, "2 target values a sample"),
    "no y": ({"y": None}, "4 target values a sample"),
    "no x": ({"x": None}, "must hold arrays x"),
    "empty": ({"x": X[:0], "y": Y[:0]}, "at least one"),
    "no values": ({"x": X[:, :0]}, "at least one"),
    "unequal": ({"y": Y[:5]}, "equally many"),
    "a number": ({"x": np.float32(3)}, "equally many"),
    "objects": ({"x": X.astype(object)}, "allow_pickle"),
    "text": ({"x": X.astype(str)}, "must be numbers"),
    "complex": ({"x": X.astype(complex)}, "must be numbers"),
    "dates": ({"y": Y.astype("M8[s]")}, "must be numbers"),
}


@pytest.mark.parametrize("name", WRONG)
def test_streams_that_do_not_go_with_the_model(mlp: Path, tmp_path: Path, name: str) -> None:
    arrays, told = WRONG[name]
    data = stream(tmp_path / "s.npz", **{"x": X, "y": Y, **arrays})
    line = refused(2, "run", mlp, "--stream", data, "--weights-out", tmp_path / "w", match=told)
    assert "s.npz" in line and not (tmp_path / "w").exists()


def npz_bomb() -> bytes:
    """Small, and 2 GB when unpacked."""
    packed, head = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": "<f4", "fortran_order": False, "shape": (1 << 29, 1)}
    )
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("x.npy", "w") as member,
    ):
        member.write(head.getvalue())
        for _ in range(16):
            member.write(bytes(1 << 20))
    declared = (1 << 31).to_bytes(4, "little")
    held = (len(head.getvalue()) + (16 << 20)).to_bytes(4, "little")
    return packed.getvalue().replace(held, declared)


def npz_of_absurd_shape() -> bytes:
    packed, head = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": "<f4", "fortran_order": False, "shape": (1 << 50, 4)}
    )
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("x.npy", head.getvalue())
    return packed.getvalue()


def npy() -> bytes:
    data = io.BytesIO()
    np.save(data, X)
    return data.getvalue()


FILES = {
    "empty.npz": (b"", ".npz"),
    "garbage.npz": (bytes(range(256)) * 9, ".npz"),
    "cut.npz": (b"PK\x03\x04" + bytes(200), ".npz"),
    "array.npz": (npy(), ".npz"),
    "array.npy": (npy(), ".npz"),
    "bomb.npz": (npz_bomb(), "unpacks to more than"),
    "absurd.npz": (npz_of_absurd_shape(), ".npz"),
    "pickle.npz": (b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x05posix.", ".npz"),
    "empty.csv": (b"", "lines of numbers"),
    "header.csv": (b"a,b,c,d,label\n", "lines of numbers"),
    "narrow.csv": (b"1\n2\n", "lines of numbers"),
    "word.csv": (b"1,2,3,4,0\n1,2,x,4,0\n", "line 2: 'x' is not a number"),
    "names.csv": (b"1,2,3,4,setosa\n", "labels are class numbers"),
    "ragged.csv": (b"1,2,3,4,0\n1,2\n", "line 2: has 2 cells, the first one 5"),
    "gap.csv": (b"1,2,3,4,0\n1,,3,4,0\n", "line 2: '' is not a number"),
    "binary.csv": (b"\xff\xfe\0\n\1", ".csv"),
    "nul.csv": (b"1,2,3,4,\0\n", "line 1"),
    "wide.csv": (b"1,2,3,4,5,0\n", "5 values"),
    "nan.csv": (b"1,2,3,4,nan\n", "class numbers"),
}


@pytest.mark.parametrize("name", FILES)
def test_files_that_are_no_streams(mlp: Path, tmp_path: Path, name: str) -> None:
    content, told = FILES[name]
    (tmp_path / name).write_bytes(content)
    line = refused(2, "run", mlp, "--stream", tmp_path / name, match=told)
    assert name in line and len(line) < 500


def test_streams_that_are_not_there(mlp: Path, tmp_path: Path) -> None:
    refused(2, "run", mlp, "--stream", tmp_path / "no.npz", match="no.npz: there is no such file")
    refused(2, "run", mlp, "--stream", tmp_path, match="there is no such file")
    refused(2, "run", tmp_path, "--stream", stream(tmp_path / "s.npz"), match="not a project")


def test_truncated_streams_never_end_in_a_traceback(mlp: Path, tmp_path: Path) -> None:
    whole = stream(tmp_path / "s.npz", n=9).read_bytes()
    for size in range(0, len(whole), len(whole) // 25):
        (tmp_path / "t.npz").write_bytes(whole[:size])
        refused(2, "run", mlp, "--stream", tmp_path / "t.npz", match="t.npz")


def test_a_model_that_does_not_learn_says_so(project: Project, tmp_path: Path) -> None:
    data = stream(tmp_path / "s.npz")
    refused(2, "run", project("mlp"), "--stream", data, match="model mlp: does not learn")


@pytest.mark.parametrize("device", ["toaster", "serial", "serial:", "", "twin:2"])
def test_devices_that_there_are_not(mlp: Path, tmp_path: Path, device: str) -> None:
    data = stream(tmp_path / "s.npz")
    refused(2, "run", mlp, "--stream", data, "--device", device, match="twin, emulator, serial")


def test_a_port_that_is_not_there(mlp: Path, tmp_path: Path) -> None:
    pytest.importorskip("serial")
    data = stream(tmp_path / "s.npz")
    refused(6, "run", mlp, "--stream", data, "--device", "serial:/dev/ttyNONE", match="ttyNONE")


# ---- weights in and out, other outputs ----


def test_weights_go_on_where_they_were(mlp: Path, tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).normal(size=(40, 4)).astype("f4"), np.arange(40) % 3
    whole = weights(mlp, stream(tmp_path / "all.npz", x=x, y=y))
    weights(mlp, stream(tmp_path / "a.npz", x=x[:20], y=y[:20]))
    second = stream(tmp_path / "b.npz", x=x[20:], y=y[20:])
    assert weights(mlp, second, "--weights-in", tmp_path / "a.tlw") == whole


def damaged(data: bytes) -> dict[str, bytes]:
    def flipped(at: int) -> bytes:
        return data[:at] + bytes([data[at] ^ 16]) + data[at + 1 :]

    return {
        "empty": b"",
        "header only": data[:36],
        "cut": data[:-1],
        "cut in the weights": data[: len(data) // 2],
        "longer": data + b"\0",
        "a bit in the weights": flipped(len(data) // 2),
        "a bit in the magic": flipped(0),
        "a bit in the length": flipped(24),
        "a bit in the CRC": flipped(len(data) - 6),
        "zeros": bytes(len(data)),
    }


def test_damaged_weights_are_refused_and_nothing_is_run(mlp: Path, tmp_path: Path) -> None:
    data = stream(tmp_path / "s.npz")
    weights(mlp, data)
    for name, content in damaged((tmp_path / "s.tlw").read_bytes()).items():
        (tmp_path / "bad.tlw").write_bytes(content)
        words = ["--weights-in", tmp_path / "bad.tlw", "--weights-out", tmp_path / "out.tlw"]
        refused(2, "run", mlp, "--stream", data, *words, match="bad.tlw")
        assert not (tmp_path / "out.tlw").exists(), name
    refused(2, "run", mlp, "--stream", data, "--weights-in", tmp_path / "no", match="no: cannot be")


def test_weights_of_another_model_are_refused_by_the_device(
    mlp: Path, project: Project, tmp_path: Path
) -> None:
    data = stream(tmp_path / "s.npz")
    weights(project("other", *LEARNS), data)
    words = ["--weights-in", tmp_path / "s.tlw"]
    refused(6, "run", mlp, "--stream", data, *words, match="the weights belong to another model")


def test_a_device_that_refuses_weights_keeps_its_own(mlp: Path, project: Project) -> None:
    with open_device("twin", project("other", *LEARNS)) as other:
        foreign = other.read_weights().pack()
    with open_device("twin", mlp) as device:
        device.learn(np.ones(4), label=2)
        device.save()
        kept = device.read_weights()
        for name, content in {"foreign": foreign, **damaged(kept.pack())}.items():
            if len(content) < 36:
                continue  # the host does not even send these
            with pytest.raises(RefusedError):
                device.write_weights(content)
            assert device.read_weights() == kept, name
        device.load()
        assert device.read_weights() == kept, "so does its store"


def test_what_cannot_be_written_is_told_before_the_stream_starts(mlp, tmp_path: Path) -> None:
    words = ["run", mlp, "--stream", stream(tmp_path / "s.npz")]
    for option in ("--weights-out", "--plot"):
        refused(2, *words, option, tmp_path / "gone" / "f.png", match="f.png: cannot be written")
    refused(2, *words, "--weights-out", tmp_path, match="cannot be written")
    refused(2, *words, "--plot", tmp_path / "curve.bmp", match="curve.png")
    assert list(snapshot(tmp_path)) == ["s.npz"]


def test_save_stores_what_was_learnt(mlp: Path, tmp_path: Path, monkeypatch) -> None:
    plain, stored = Device.save, []

    def save(device: Device) -> None:
        plain(device)
        learnt = device.read_weights().weights
        device.reset(Reset.WEIGHTS)
        assert device.read_weights().weights != learnt
        device.load()
        assert device.read_weights().weights == learnt
        stored.append(learnt)

    monkeypatch.setattr(Device, "save", save)
    data = stream(tmp_path / "s.npz")
    done("run", mlp, "--stream", data)
    assert not stored
    done("run", mlp, "--stream", data, "--save")
    assert stored == [weights(mlp, data)]
