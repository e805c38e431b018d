"""Training: it learns, repeats to the bit, writes whole files, and loads into a graph."""

import os
import sys

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from tinylearn.errors import BadInputError, MissingToolError, TinylearnError, UsageError
from tinylearn.importers.keras import load
from tinylearn.train import fit, tensorflow
from tinylearn.train.fit import TrainOptions, train


def blobs(seed=0, samples=120, shape=(6,), classes=3):
    """Samples around a centre of their class."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(0, 2, (classes, *shape))
    y = np.arange(samples) % classes
    return (centres[y] + rng.normal(0, 0.5, (samples, *shape))).astype(np.float32), y


@pytest.fixture
def npz(tmp_path):
    def write(**arrays):
        np.savez(tmp_path / "d.npz", **arrays)
        return tmp_path / "d.npz"

    return write


def weights_of(path):
    return {name: t.data for name, t in load(path).tensors.items() if t.stored}


def test_without_tensorflow_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(MissingToolError, match=r"pip install tinylearn\[train\]"):
        tensorflow.modules()


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": 0}, {"batch_size": 0}, {"learning_rate": 0.0}, {"learning_rate": float("nan")},
     {"seed": -1}, {"validation_split": 1.0}],
    ids=str,
)  # fmt: skip
def test_options_out_of_range_are_refused(npz, tmp_path, wrong):
    with pytest.raises(UsageError, match="out of range"):
        train(npz(x=blobs()[0]), "mlp", tmp_path / "o.keras", TrainOptions(**wrong))


def test_bad_requests_are_refused_before_tensorflow_is_imported(npz, tmp_path, monkeypatch):
    monkeypatch.setattr(tensorflow, "modules", lambda: pytest.fail("imported"))
    x, y = blobs()
    out = tmp_path / "o.keras"
    requests = [
        ({"x": x, "y": y}, "mlp", tmp_path / "o.h5", UsageError, "name it o.keras"),
        ({"x": x, "y": y}, "mlp", tmp_path / "no" / "o.keras", UsageError, "no such folder"),
        ({"x": x, "y": y}, "what", out, UsageError, "unknown"),
        ({"x": x}, "mlp", out, BadInputError, "no labels"),
        ({"x": x, "y": y * 0}, "mlp", out, BadInputError, "single class"),
    ]
    for arrays, spec, path, error, message in requests:
        with pytest.raises(error, match=message):
            train(npz(**arrays), spec, path, TrainOptions())


class TestTraining:
    """Those that need TensorFlow."""

    pytestmark = pytest.mark.tensorflow

    @pytest.fixture(autouse=True)
    def _tensorflow(self):
        pytest.importorskip("tensorflow", reason="needs tinylearn[train]")

    @pytest.mark.parametrize(
        ("spec", "shape"),
        [("mlp:16,8", (6,)), ("mlp", (4, 3)), ("cnn", (9, 8, 1)), ("cnn:4,8,8", (10, 3)),
         ("cnn:4,4,4", (3, 2, 1))],
    )  # fmt: skip
    def test_it_learns_what_can_be_told_apart(self, npz, tmp_path, spec, shape):
        x, y = blobs(shape=shape)
        test_x, test_y = blobs(seed=1, shape=shape)
        data = npz(x=x, y=y, x_test=test_x, y_test=test_y)
        options = TrainOptions(epochs=20, learning_rate=0.03, batch_size=24)
        result = train(data, spec, tmp_path / "net.keras", options)
        assert result.measured_on == "test" and result.accuracy > 0.9
        assert result.samples == 96 and result.classes == ("0", "1", "2")
        assert {len(v) for v in result.history.values()} == {20}
        assert result.history["loss"][-1] < result.history["loss"][0]
        stored = [t.size for t in load(result.path).tensors.values() if t.stored]
        assert result.parameters == sum(stored)

    def test_autoencoder_gives_its_input_back(self, npz, tmp_path):
        x = np.outer(np.linspace(-1, 1, 200), np.arange(1, 7)).reshape(200, 3, 2)
        options = TrainOptions(epochs=30, learning_rate=0.01)
        result = train(npz(x=x), "autoencoder:16,4", tmp_path / "ae.keras", options)
        assert result.accuracy is None and result.measured_on == "validation"
        assert result.loss < 0.05 * np.mean(x**2) and result.classes == ()
        graph = load(result.path)
        assert graph.shape(graph.outputs[0]) == (3, 2)

    def test_same_seed_gives_the_same_weights(self, npz, tmp_path):
        x, y = blobs(shape=(8, 8, 1))
        data, runs = npz(x=x, y=y), []
        for seed in (5, 5, 6):
            out = tmp_path / f"{len(runs)}.keras"
            result = train(data, "cnn", out, TrainOptions(epochs=3, seed=seed))
            runs.append((weights_of(out), result.history, result.loss))
        first, second, other = runs
        assert first[1:] == second[1:] and list(first[0]) == list(second[0])
        for name, values in first[0].items():
            np.testing.assert_array_equal(values, second[0][name])
        assert not np.array_equal(first[0]["conv_1/kernel"], other[0]["conv_1/kernel"])

    def test_csv_with_standardized_columns(self, tmp_path):
        rng = np.random.default_rng(0)
        far = rng.normal(0, 1, (80, 2)) * [1, 1000] + [5, 9000]
        names = np.where(far[:, 0] > 5, "high", "low")
        rows = [f"{a},{b},{name}" for (a, b), name in zip(far, names, strict=True)]
        (tmp_path / "d.csv").write_text("\n".join(["temp,pressure,class", *rows]))
        options = TrainOptions(epochs=20, learning_rate=0.05, standardize=True)
        seen = []
        result = train(
            tmp_path / "d.csv", "mlp:8", tmp_path / "o.keras", options,
            progress=lambda epoch, figures: seen.append((epoch, sorted(figures))),
        )  # fmt: skip
        assert result.accuracy > 0.8 and result.classes == ("high", "low")
        assert [epoch for epoch, _ in seen] == list(range(1, 21))
        assert seen[0][1] == ["accuracy", "loss", "val_accuracy", "val_loss"]
        assert load(result.path).ops[0].kind == "scale_shift"

    def test_diverged_training_saves_nothing(self, npz, tmp_path):
        x, y = blobs()
        (tmp_path / "o.keras").write_bytes(b"the old one")
        options = TrainOptions(epochs=5, learning_rate=1e30)
        with pytest.raises(TinylearnError, match="diverged"):
            train(npz(x=x * 1e10, y=y), "mlp", tmp_path / "o.keras", options)
        assert (tmp_path / "o.keras").read_bytes() == b"the old one"
        assert sorted(p.name for p in tmp_path.iterdir()) == ["d.npz", "o.keras"]

    def test_failed_save_leaves_the_old_file(self, tmp_path):
        class Model:
            def save(self, path):
                path.write_bytes(b"half")
                raise OSError(28, "No space left on device")

        (tmp_path / "o.keras").write_bytes(b"the old one")
        with pytest.raises(TinylearnError, match=r"o\.keras: cannot be written: No space left"):
            fit.save(Model(), tmp_path / "o.keras")
        assert [p.name for p in tmp_path.iterdir()] == ["o.keras"]
        assert (tmp_path / "o.keras").read_bytes() == b"the old one"

    def test_shapes_a_cnn_cannot_take_and_autoencoders_that_standardize(self, npz, tmp_path):
        x, y = blobs()
        with pytest.raises(UsageError, match=r"cnn needs .*not \(6,\)"):
            train(npz(x=x, y=y), "cnn", tmp_path / "o.keras", TrainOptions())
        options = TrainOptions(standardize=True)
        with pytest.raises(UsageError, match="cannot standardize"):
            train(npz(x=x), "autoencoder", tmp_path / "o.keras", options)
