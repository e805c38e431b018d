"""Hostile and unusual `.keras` files, written by hand: configs, weight files, mutations.

No TensorFlow here: the files are made with json, h5py and zipfile alone.
"""

import copy
import io
import json
import random
import zipfile

import h5py
import numpy as np
import pytest

from tinylearn.errors import BadInputError, TinylearnError, UnsupportedError
from tinylearn.importers.keras import load


def layer(class_name, name, *, inputs=None, module="keras.layers", **settings):
    """A layer's entry as Keras 3 writes it."""
    entry = {
        "module": module,
        "class_name": class_name,
        "config": {"name": name, "trainable": True, "dtype": "float32", **settings},
        "registered_name": None,
        "name": name,
    }
    if inputs is not None:
        tensors = [
            {"class_name": "__keras_tensor__", "config": {"keras_history": [i, 0, 0]}}
            for i in inputs
        ]
        args = tensors if len(tensors) < 2 else [tensors]
        entry["inbound_nodes"] = [{"args": args, "kwargs": {}}] if tensors else []
    return entry


def sequential(*layers, **settings):
    """A Sequential model's config.json."""
    return {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "net", "layers": list(layers), **settings},
        "registered_name": None,
    }


def functional(*layers, first="x", last="y"):
    """A Functional model's config.json."""
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": {
            "name": "net",
            "layers": list(layers),
            "input_layers": [first, 0, 0],
            "output_layers": [[last, 0, 0]],
        },
        "registered_name": "Functional",
    }


INPUT = layer("InputLayer", "x", batch_shape=[None, 3])
HIDDEN = layer("Dense", "hidden", units=4, activation="relu", use_bias=True)
OUT = layer("Dense", "out", units=2, activation="linear", use_bias=True)
NET = sequential(INPUT, HIDDEN, OUT)
WEIGHTS = {
    "layers/dense/vars/0": np.arange(12, dtype="f4").reshape(3, 4),
    "layers/dense/vars/1": np.ones(4, "f4"),
    "layers/dense_1/vars/0": np.arange(8, dtype="f4").reshape(4, 2),
    "layers/dense_1/vars/1": np.zeros(2, "f4"),
}


def h5(datasets, edit=None):
    """Bytes of a weights file."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, values in datasets.items():
            file[name] = values
        if edit:
            edit(file)
    return buffer.getvalue()


@pytest.fixture
def attempt(tmp_path):
    """Loads a config and weights as a file."""

    def run(net=NET, weights=WEIGHTS, edit=None):
        path = tmp_path / "net.keras"
        text = net if isinstance(net, str | bytes) else json.dumps(net)
        data = weights if isinstance(weights, bytes) else h5(weights, edit)
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("config.json", text)
            file.writestr("model.weights.h5", data)
        return load(path)

    return run


def test_hand_written_file_is_read(attempt):
    graph = attempt()
    assert [op.name for op in graph.ops] == ["hidden", "hidden/activation", "out"]
    np.testing.assert_array_equal(graph["hidden/kernel"].data, WEIGHTS["layers/dense/vars/0"].T)


@pytest.mark.parametrize("numbers", [("", "_2"), ("", "_1")])
def test_tf_keras_2_file_is_read(attempt, numbers):
    """tf.keras 2.13: other group names, batch_input_shape, list nodes, no module."""
    weights = {}
    for number, keras_3 in zip(numbers, ("dense", "dense_1"), strict=True):
        for i in "01":
            group = f"_layer_checkpoint_dependencies/dense{number}/vars/{i}"
            weights[group] = WEIGHTS[f"layers/{keras_3}/vars/{i}"]
    net = {"class_name": "Functional", "config": functional()["config"]}
    net["config"]["layers"] = [
        {
            "class_name": "InputLayer",
            "config": {"name": "x", "batch_input_shape": [None, 3], "dtype": "float32"},
            "inbound_nodes": [],
        },
        {**copy.deepcopy(HIDDEN), "inbound_nodes": [[["x", 0, 0, {}]]]},
        {**copy.deepcopy(OUT), "name": "y", "inbound_nodes": [[["hidden", 0, 0, {}]]]},
    ]
    net["config"]["input_layers"] = [["x", 0, 0]]
    graph = attempt(net, weights)
    assert [op.name for op in graph.ops] == ["hidden", "hidden/activation", "y"]
    np.testing.assert_array_equal(graph["y/kernel"].data, WEIGHTS["layers/dense_1/vars/0"].T)


def test_sequential_input_shape_may_stand_on_the_first_layer(attempt):
    first = layer("Dense", "hidden", units=4, activation="relu", batch_input_shape=[None, 3])
    assert attempt(sequential(first, OUT)).shape("hidden") == (4,)
    assert attempt(sequential(HIDDEN, OUT, build_input_shape=[None, 3])).shape("out") == (2,)


def test_layers_may_stand_in_any_order(attempt):
    net = functional(
        layer("Dense", "y", units=4, inputs=["a"]),
        layer("ReLU", "a", inputs=["x"]),
        layer("InputLayer", "x", batch_shape=[None, 3], inputs=[]),
    )
    weights = {k: v for k, v in WEIGHTS.items() if "dense_1" not in k}
    assert [op.name for op in attempt(net, weights).ops] == ["a/activation", "y"]


def deep(n):
    return "[" * n + "]" * n


def nested_models(n):
    inner = sequential(INPUT, HIDDEN)
    for i in range(n):
        inner = sequential(INPUT, {**inner, "config": {**inner["config"], "name": f"m{i}"}})
    return inner


BAD_CONFIGS = {
    "not_json": ("{", BadInputError, "not valid JSON"),
    "not_utf8": (b"\xff\xfe\x00\x01\x02", BadInputError, "not valid JSON"),
    "not_object": ("[]", BadInputError, "JSON object"),
    "deep_json": (deep(100_000), BadInputError, "nested"),
    "deep_values": ({"config": json.loads(deep(200))}, BadInputError, "levels deep"),
    "huge_integer": ('{"a": ' + "9" * 9999 + "}", BadInputError, "not valid JSON"),
    "no_class": ({}, BadInputError, "class None"),
    "no_config": ({"class_name": "Sequential"}, BadInputError, "config must be a JSON object"),
    "subclassed": ({"class_name": "Mine", "config": {}}, UnsupportedError, "'Mine'"),
    "no_name": (sequential(INPUT, {**HIDDEN, "name": None, "config": {}}), BadInputError, "name"),
    "no_layers": (sequential(), BadInputError, "no input shape"),
    "input_only": (sequential(INPUT), BadInputError, "no layer that computes"),
    "layers_string": (
        sequential() | {"config": {"name": "n", "layers": "x"}},
        BadInputError,
        "list",
    ),
    "layer_number": (sequential(INPUT, 7), BadInputError, "JSON object, is 7"),
    "too_many_layers": (sequential(INPUT, *[OUT] * 1001), BadInputError, "1002 entries"),
    "too_many_models": (nested_models(10), UnsupportedError, "nested up to 8 deep"),
    "duplicate_names": (sequential(INPUT, OUT, OUT), BadInputError, "two layers named 'out'"),
    "long_name": (sequential(INPUT, layer("ReLU", "n" * 101)), BadInputError, "101 characters"),
    "lambda": (sequential(INPUT, layer("Lambda", "l")), UnsupportedError, "'l' is a Lambda"),
    "lambda_inside": (
        sequential(INPUT, layer("Dense", "d", activation={"class_name": "__lambda__"})),
        UnsupportedError,
        "layer d .*Python code",
    ),
    "custom": (
        sequential(INPUT, {**HIDDEN, "registered_name": "Mine>Dense"}),
        UnsupportedError,
        "'hidden' is the custom class 'Mine>Dense'",
    ),
    "custom_module": (
        sequential(INPUT, layer("Dense", "d", module="os.path")),
        UnsupportedError,
        "'os.path'",
    ),
    "unknown_layer": (
        sequential(INPUT, layer("Conv9D", "c")),
        UnsupportedError,
        "layer c: class 'Conv9D' is not supported; supported: Activation, Act",
    ),
    "cycle": (
        functional(INPUT | {"inbound_nodes": []}, layer("ReLU", "y", inputs=["y"])),
        BadInputError,
        "layer y: its input 'y' is not computed",
    ),
    "dangling": (
        functional(INPUT | {"inbound_nodes": []}, layer("ReLU", "y", inputs=["no"])),
        BadInputError,
        "'no' is not computed",
    ),
    "no_output": (functional(INPUT | {"inbound_nodes": []}), BadInputError, "'y' is not computed"),
    "no_input": (functional(layer("ReLU", "y", inputs=["x"])), BadInputError, "no input layer 'x'"),
    "two_into_relu": (
        functional(INPUT | {"inbound_nodes": []}, layer("ReLU", "y", inputs=["x", "x"])),
        BadInputError,
        "takes 1 input, has 2",
    ),
}


@pytest.mark.parametrize("name", BAD_CONFIGS)
def test_bad_config_is_refused(name, attempt):
    net, error, message = BAD_CONFIGS[name]
    with pytest.raises(error, match=message) as info:
        attempt(net)
    assert type(info.value) is error and str(info.value).startswith("net.keras: ")
    assert len(str(info.value)) < 1000


SHAPES = [[], [None], [None, None], [None, 0], [None, -3], [None, 1 << 40], [None, "3"],
          [None, 5000, 5000], [None, True], "no", {"a": 1}, 7, [None, 1.5]]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_bad_input_shape_is_refused(shape, attempt):
    with pytest.raises((BadInputError, UnsupportedError), match=r"layer x .*batch_shape"):
        attempt(sequential(layer("InputLayer", "x", batch_shape=shape), HIDDEN))


BAD_SETTINGS = [
    ("Dense", {"units": -1}), ("Dense", {"units": 1 << 60}), ("Dense", {"units": "4"}),
    ("Dense", {"units": True}), ("Dense", {"units": 4.5}), ("Dense", {"units": None}),
    ("Dense", {"units": 4, "use_bias": "yes"}), ("Dense", {"units": 4, "activation": {"a": 1}}),
    ("Dense", {"units": 4, "activation": 7}), ("Dense", {"units": 4, "dtype": {"config": 3}}),
    ("Dense", {"units": 4, "dtype": ["a"]}), ("Dense", {"units": 4, "dtype": {"config": {"name": []}}}),
    ("ReLU", {"negative_slope": "x"}), ("ReLU", {"max_value": 1e999}), ("ReLU", {"max_value": []}),
    ("LeakyReLU", {"negative_slope": -0.1}), ("LeakyReLU", {"negative_slope": float("nan")}),
    ("LeakyReLU", {"alpha": 10**400}), ("Softmax", {"axis": 0}), ("Softmax", {"axis": {}}),
    ("Reshape", {"target_shape": [-1, -1]}), ("Reshape", {"target_shape": [0]}),
    ("Reshape", {"target_shape": [2]}), ("Reshape", {"target_shape": None}),
    ("Reshape", {"target_shape": [-1, 7]}), ("Reshape", {"target_shape": [1 << 70]}),
    ("Flatten", {"data_format": "channels_first"}), ("Rescaling", {"scale": [1, 2]}),
    ("Rescaling", {"scale": {}}), ("Rescaling", {"scale": float("inf")}), ("Concatenate", {}),
    ("Add", {}), ("BatchNormalization", {"axis": 0}), ("Activation", {"activation": "os.system"}),
    ("Conv2D", {"filters": 1, "kernel_size": 1}), ("ZeroPadding1D", {"padding": [1, 1]}),
]  # fmt: skip


@pytest.mark.parametrize(("class_name", "settings"), BAD_SETTINGS, ids=str)
def test_bad_setting_is_refused(class_name, settings, attempt):
    with pytest.raises((BadInputError, UnsupportedError), match=r"layer bad \("):
        attempt(sequential(INPUT, layer(class_name, "bad", **settings)), {})


IMAGE_SETTINGS = [
    ("Conv2D", {"filters": 1, "kernel_size": [3]}), ("Conv2D", {"filters": 1, "kernel_size": 0}),
    ("Conv2D", {"filters": 1, "kernel_size": [9, 9]}), ("Conv2D", {"filters": 1}),
    ("Conv2D", {"filters": 1, "kernel_size": 3, "padding": "reflect"}),
    ("Conv2D", {"filters": 1, "kernel_size": 3, "padding": "causal"}),
    ("Conv2D", {"filters": 1, "kernel_size": 3, "strides": [1, 0]}),
    ("MaxPooling2D", {"pool_size": [5, 5]}), ("MaxPooling2D", {"pool_size": "2"}),
    ("ZeroPadding2D", {"padding": [[1, -1], [0, 0]]}), ("ZeroPadding2D", {"padding": [[1], [0]]}),
    ("ZeroPadding2D", {"padding": [1 << 23, 1 << 23]}), ("ZeroPadding2D", {"padding": [1, 2, 3]}),
    ("Conv1D", {"filters": 1, "kernel_size": 1}), ("GlobalAveragePooling1D", {}),
]  # fmt: skip


@pytest.mark.parametrize(("class_name", "settings"), IMAGE_SETTINGS, ids=str)
def test_bad_window_is_refused(class_name, settings, attempt):
    start = layer("InputLayer", "x", batch_shape=[None, 4, 4, 1])
    shape = [settings.get("kernel_size", 1)] * 2 if class_name == "Conv2D" else []
    size = shape[0] if shape and isinstance(shape[0], list) else shape
    weights = {}
    if len(size) == 2 and min(size) > 0:
        weights = {"layers/conv2d/vars/0": np.ones((*size, 1, 1), "f4")}
        weights["layers/conv2d/vars/1"] = np.ones(1, "f4")
    with pytest.raises((BadInputError, UnsupportedError), match="layer bad"):
        attempt(sequential(start, layer(class_name, "bad", **settings)), weights)


def test_unsafe_characters_do_not_reach_names(attempt):
    names = ["a*/b", "n\n\u202e\u00e9", '"; system("x")']
    graph = attempt(sequential(INPUT, *(layer("ReLU", name) for name in names)), {})
    assert [op.layer for op in graph.ops] == ["a__b", "n___", "___system__x__"]
    for name in (*graph.tensors, *(op.name for op in graph.ops)):
        assert all(c.isascii() and (c.isalnum() or c in "_.-/") for c in name)
    with pytest.raises(BadInputError, match="two layers"):
        attempt(sequential(INPUT, layer("ReLU", "a b"), layer("ReLU", "a_b")), {})


def replaced(name, values):
    return {**WEIGHTS, name: values}


def test_missing_group_is_named(attempt):
    with pytest.raises(BadInputError, match=r"layer out \(Dense\): .*no 'dense_1'"):
        attempt(weights={k: v for k, v in WEIGHTS.items() if "dense_1" not in k})
    with pytest.raises(BadInputError, match=r"layer hidden \(Dense\): .*no 'layers'"):
        attempt(weights={})


def test_missing_and_surplus_variables_are_named(attempt):
    some = {k: v for k, v in WEIGHTS.items() if k != "layers/dense/vars/1"}
    with pytest.raises(BadInputError, match=r"layer hidden .*has 1 weights; its config needs 2"):
        attempt(weights=some)
    with pytest.raises(BadInputError, match="has 3 weights; its config needs 2"):
        attempt(weights=replaced("layers/dense/vars/2", np.zeros(1, "f4")))


def test_shape_that_does_not_fit_is_named(attempt):
    with pytest.raises(
        BadInputError, match=r"layer hidden .*weight 0 has shape \(4, 3\).*\(3, 4\)"
    ):
        attempt(weights=replaced("layers/dense/vars/0", np.zeros((4, 3), "f4")))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e39])
def test_not_finite_is_refused(attempt, bad):
    with pytest.raises(BadInputError, match=r"layer hidden .*weight 1 holds NaN or infinity"):
        attempt(weights=replaced("layers/dense/vars/1", np.array([0, 0, bad, 0])))


@pytest.mark.parametrize("dtype", ["i4", "u1", "c8", "S4", "V4", "V2", "?"])
def test_other_number_kinds_are_refused(attempt, dtype):
    values = np.zeros(4, dtype)
    with pytest.raises(UnsupportedError, match=r"layer hidden .*before it is quantized"):
        attempt(weights=replaced("layers/dense/vars/1", values))


def test_references_and_variable_length_are_refused(attempt):
    for dtype in (h5py.ref_dtype, h5py.vlen_dtype(np.float32), h5py.string_dtype()):

        def edit(file, dtype=dtype):
            del file["layers/dense/vars/1"]
            file.create_dataset("layers/dense/vars/1", (4,), dtype)

        with pytest.raises(TinylearnError, match="layer hidden"):
            attempt(edit=edit)


def place(file, **options):
    """Puts another dataset in the place of the first bias."""
    del file["layers/dense/vars/1"]
    file.create_dataset("layers/dense/vars/1", (4,), "f4", **options)


def virtual(file):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,), "f4")
    del file["layers/dense/vars/1"]
    file.create_virtual_dataset("layers/dense/vars/1", layout)


def link(target):
    def edit(file):
        del file["layers/dense/vars/1"]
        file["layers/dense/vars/1"] = target

    return edit


def group_link(target):
    def edit(file):
        file.move("layers/dense", "elsewhere")
        file["layers/dense"] = target

    return edit


def dataset_for_group(file):
    del file["layers/dense"]
    file["layers/dense"] = np.zeros(3, "f4")


def group_for_dataset(file):
    del file["layers/dense/vars/1"]
    file.create_group("layers/dense/vars/1")


TRICKS = {
    "external_storage": (lambda f: place(f, external=[("/etc/passwd", 0, 16)]), "outside the file"),
    "virtual": (virtual, "outside the file"),
    "chunked": (lambda f: place(f, chunks=(2,)), "chunked"),
    "compressed": (lambda f: place(f, compression="gzip"), "chunked"),
    "unwritten": (place, "declares more"),
    "external_link": (link(h5py.ExternalLink("/etc/passwd", "/x")), "is a link"),
    "soft_link": (link(h5py.SoftLink("/layers/dense_1/vars/1")), "is a link"),
    "external_group": (group_link(h5py.ExternalLink("/tmp/x.h5", "/x")), "is a link"),
    "soft_group": (group_link(h5py.SoftLink("/elsewhere")), "is a link"),
    "dataset_for_group": (dataset_for_group, "no Group"),
    "group_for_dataset": (group_for_dataset, "no Dataset"),
}


@pytest.mark.parametrize("name", TRICKS)
def test_hdf5_trick_is_refused(name, attempt):
    edit, message = TRICKS[name]
    with pytest.raises(BadInputError, match=f"layer hidden .*{message}"):
        attempt(edit=edit)


def test_huge_declared_dataset_allocates_nothing(attempt):
    def edit(file):
        del file["layers/dense/vars/0"]
        file.create_dataset("layers/dense/vars/0", (1 << 23, 2), "f4")

    wide = sequential(layer("InputLayer", "x", batch_shape=[None, 1 << 23]), HIDDEN | {
        "config": {**HIDDEN["config"], "units": 2}})  # fmt: skip
    with pytest.raises(BadInputError, match="declares more values than it stores"):
        attempt(wide, edit=edit)


def test_total_of_weights_is_bounded(attempt, monkeypatch):
    monkeypatch.setattr("tinylearn.importers.builder.MAX_ELEMENTS", 20)
    with pytest.raises(BadInputError, match="more than 20 weights"):
        attempt()


def test_number_of_operations_is_bounded(attempt):
    start = INPUT | {"inbound_nodes": []}
    joined = layer("Concatenate", "y", axis=-1, inputs=["x"] * 5001)
    with pytest.raises(BadInputError, match="layer y: the model has more than 5000 operations"):
        attempt(functional(start, joined), {})


def test_batch_norm_variance_must_be_positive(attempt):
    group = "layers/batch_normalization/vars/"
    weights = {f"{group}{i}": np.full(3, v, "f4") for i, v in enumerate((1, 0, 0, -1))}
    with pytest.raises(BadInputError, match="variance is negative"):
        attempt(sequential(INPUT, layer("BatchNormalization", "b")), weights)


def mutated(rng, data):
    """Data with a few bytes changed, moved or cut off."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 2, 4, 8, 16))):
        at = rng.randrange(len(data))
        if rng.random() < 0.7:
            data[at] = rng.choice((rng.randrange(256), 0, 255, 128, data[at] ^ 1))
        else:
            other, size = rng.randrange(len(data)), rng.choice((2, 4, 8))
            data[at : at + size] = data[other : other + size]
    return bytes(data[: rng.randrange(len(data))] if rng.random() < 0.1 else data)


def changed_value(rng, value):
    """A JSON document with one value somewhere replaced."""
    value = copy.deepcopy(value)
    paths = list(walk(value))
    holder, key = rng.choice(paths)
    strange = (None, -1, 0, 1 << 62, 1e308, "", "x", [], {}, [[]], True, {"class_name": "Dense"})
    holder[key] = rng.choice((*strange, copy.deepcopy(rng.choice(paths)[0])))
    return value


def walk(value):
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from walk(value[key])


RICH = functional(
    layer("InputLayer", "x", batch_shape=[None, 4, 4, 1], inputs=[]),
    layer("Conv2D", "c", filters=2, kernel_size=[3, 3], padding="same", inputs=["x"]),
    layer("MaxPooling2D", "p", pool_size=[2, 2], inputs=["c"]),
    layer("Flatten", "f", inputs=["p"]),
    layer("Concatenate", "k", axis=-1, inputs=["f", "f"]),
    layer("ReLU", "y", max_value=6.0, inputs=["k"]),
)
RICH_WEIGHTS = {
    "layers/conv2d/vars/0": np.ones((3, 3, 1, 2), "f4"),
    "layers/conv2d/vars/1": np.ones(2, "f4"),
}


def refused(attempt, *args):
    """Whether a file is refused; any error that is not ours fails the test."""
    try:
        attempt(*args)
    except TinylearnError as error:
        return str(error).isprintable() or pytest.fail(f"not printable: {error!r}")
    return False


def test_fuzz_of_the_whole_file(tmp_path, attempt):
    attempt()
    path = tmp_path / "net.keras"
    valid, rng = path.read_bytes(), random.Random(1)
    for _ in range(300):
        path.write_bytes(mutated(rng, valid))
        refused(lambda: load(path))


def test_fuzz_of_the_weights_under_a_valid_checksum(attempt):
    rng, valid = random.Random(2), h5(WEIGHTS)
    assert sum(refused(attempt, NET, mutated(rng, valid)) for _ in range(400)) > 50


def test_fuzz_of_the_config_text(attempt):
    rng, valid, weights = random.Random(3), json.dumps(RICH).encode(), h5(RICH_WEIGHTS)
    assert sum(refused(attempt, mutated(rng, valid), weights) for _ in range(300)) > 100


def test_fuzz_of_the_config_values(attempt):
    rng, weights = random.Random(4), h5(RICH_WEIGHTS)
    attempt(RICH, weights)
    outcomes = [refused(attempt, changed_value(rng, RICH), weights) for _ in range(600)]
    assert 100 < sum(outcomes) < 600
