"""Data files for training: what is read, and what each kind of bad file is told."""

import numpy as np
import pytest

from tinylearn.errors import BadInputError, UsageError
from tinylearn.train import architecture, data
from tinylearn.train.architecture import Architecture
from tinylearn.train.data import Samples

X = np.arange(24, dtype=np.float64).reshape(6, 4)
Y = np.array([0, 1, 2, 0, 1, 2])


@pytest.fixture
def npz(tmp_path):
    def write(**arrays):
        path = tmp_path / "d.npz"
        np.savez(path, **arrays)
        return data.load(path)

    return write


@pytest.fixture
def csv(tmp_path):
    def write(text):
        path = tmp_path / "d.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return data.load(path)

    return write


def test_npz(npz):
    found = npz(x=X, y=Y[:, None], x_test=X[:2], y_test=Y[:2].astype(float))
    assert found.train.x.dtype == np.float32 and found.train.y.dtype == np.int32
    np.testing.assert_array_equal(found.train.x, X)
    np.testing.assert_array_equal(found.train.y, Y)
    np.testing.assert_array_equal(found.test.y, Y[:2])
    assert found.classes == ("0", "1", "2")


def test_npz_without_labels_is_for_autoencoders(npz):
    found = npz(x=X)
    assert found.train.y is None and found.classes == ()
    with pytest.raises(BadInputError, match="no labels"):
        found.train.labels()


NAN, INF = X.copy(), X.copy()
NAN[3, 1], INF[0, 0] = np.nan, 1e300


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": Y}, "no array 'x'"),
        ({"x": X[0], "y": Y}, r"shape \(4,\)"),
        ({"x": X[:0], "y": Y[:0]}, r"shape \(0, 4\)"),
        ({"x": X.astype(str), "y": Y}, "numbers of shape"),
        ({"x": X.astype(complex), "y": Y}, "complex128"),
        ({"x": NAN, "y": Y}, "NaN or infinity in 1 samples, the first at index 3"),
        ({"x": INF, "y": Y}, "the first at index 0"),
        ({"x": X, "y": Y[:5]}, r"'y' has shape \(5,\).*6 samples"),
        ({"x": X, "y": np.eye(6)}, "argmax"),
        ({"x": X, "y": Y - 1}, "class numbers"),
        ({"x": X, "y": Y + 0.5}, "class numbers"),
        ({"x": X, "y": np.full(6, np.nan)}, "class numbers"),
        ({"x": X, "y": Y * 2}, "no sample of class 1"),
        ({"x": X, "y": Y + 2**30}, "no sample of class 0"),
        ({"x": X, "y": Y.astype(str)}, "class numbers"),
        ({"x": X, "y": Y, "x_test": X[:, :3], "y_test": Y}, r"\(3,\), of 'x' \(4,\)"),
        ({"x": X, "y": Y, "x_test": X}, "both 'y' and 'y_test'"),
        ({"x": X, "y": Y, "x_test": X, "y_test": Y + 1}, "class 3, which 'y' has not"),
        ({"x": np.array([[{}]], object), "y": Y[:1]}, "cannot be read"),
    ],
)
def test_bad_npz_is_told(npz, arrays, message):
    with pytest.raises(BadInputError, match=message) as info:
        npz(**arrays)
    assert str(info.value).startswith("d.npz: ")


def test_other_files(tmp_path):
    with pytest.raises(UsageError, match=r"\.npz or \.csv"):
        data.load(tmp_path / "d.txt")
    with pytest.raises(BadInputError, match="no such data file"):
        data.load(tmp_path / "d.npz")
    for content in (b"", b"PK\x03\x04", b"garbage" * 50):
        (tmp_path / "d.npz").write_bytes(content)
        with pytest.raises(BadInputError, match=r"cannot be read as \.npz"):
            data.load(tmp_path / "d.npz")
    np.save(tmp_path / "d.npy", X)
    (tmp_path / "d.npy").rename(tmp_path / "d.npz")
    with pytest.raises(BadInputError, match="single array"):
        data.load(tmp_path / "d.npz")


def test_csv_with_header_and_names(csv):
    found = csv("\ufeffa,b,label\n1,2,walk\n\n3,4.5,run\r\n5,6, walk\n")
    np.testing.assert_array_equal(found.train.x, np.array([[1, 2], [3, 4.5], [5, 6]], "f4"))
    assert found.classes == ("run", "walk") and found.train.y.tolist() == [1, 0, 1]


def test_csv_numbers_are_sorted_by_value(csv):
    found = csv("1,10\n2,9\n3,-1\n")
    assert found.classes == ("-1", "9", "10") and found.train.y.tolist() == [2, 1, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no samples"),
        ("a,b\n", "no samples"),
        ("1,2,0\n1,0\n", "line 2: has 2 cells"),
        ("1,2,0\n1,2,\n", "line 2: .*none empty"),
        ("1,2,0\n1,x,0\n", "line 2: 'x' is not a number"),
        ("1,2,0\n1,nan,0\n", "line 2: needs finite"),
        ("1,2,0\n1,1e300,0\n", "NaN or infinity"),
        ("1\n2\n", "line 1: needs finite numbers, then a label"),
        (b"1,2,\xff\n", "cannot be read"),
    ],
)
def test_bad_csv_is_told(csv, text, message):
    with pytest.raises(BadInputError, match=message) as info:
        csv(text)
    assert str(info.value).startswith("d.csv: ")


def test_split_takes_from_each_class_and_repeats():
    y = np.repeat([0, 1, 2], [60, 30, 10]).astype(np.int32)
    samples = Samples(np.arange(100, dtype=np.float32)[:, None], y)
    rest, apart = data.split(samples, 0.2, seed=3)
    assert np.abs(np.bincount(apart.y) - [12, 6, 2]).max() <= 1
    both = np.concatenate([rest.x, apart.x]).ravel()
    assert len(apart) == 20 and sorted(both) == list(range(100))
    again, _ = data.split(samples, 0.2, seed=3)
    other, _ = data.split(samples, 0.2, seed=4)
    np.testing.assert_array_equal(rest.x, again.x)
    assert not np.array_equal(rest.x, other.x) and data.split(samples, 0.0, 1)[1] is None
    assert (np.diff(rest.y) != 0).sum() > 20


def test_specs():
    assert architecture.parse("mlp:32,16") == Architecture("mlp", (32, 16))
    assert architecture.parse(" cnn ") == Architecture("cnn", (8, 16))
    assert architecture.parse("autoencoder:16,4").supervised is False


@pytest.mark.parametrize(
    "spec", ["", "mlp:", "mlp:0", "mlp:a", "rnn", "mlp:5000", "mlp:" + "9" * 5000, "MLP", "mlp:-1",
             "mlp:" + ",".join(["1"] * 17)],
)  # fmt: skip
def test_bad_specs_are_refused(spec):
    with pytest.raises(UsageError, match="architecture") as info:
        architecture.parse(spec)
    assert len(str(info.value)) < 300
