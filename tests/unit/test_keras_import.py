"""Imports of models made, saved and run by Keras itself: same numbers, from file and memory."""

import os

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytest.importorskip("tensorflow", reason="needs tinylearn[train]")
keras = pytest.importorskip("keras", reason="needs tinylearn[train]")

from tinylearn.errors import BadInputError, UnsupportedError  # noqa: E402
from tinylearn.importers.keras import from_model, load  # noqa: E402
from tinylearn.importers.layers.base import supported  # noqa: E402
from tinylearn.ir.graph import Graph  # noqa: E402
from tinylearn.ops.activation import NAMES  # noqa: E402
from tinylearn.ops.base import Env, definition  # noqa: E402

pytestmark = pytest.mark.tensorflow
L = keras.layers


def run(graph: Graph, x: np.ndarray) -> np.ndarray:
    """The graph's output for one sample, by the ops' references."""
    values = {name: t.data for name, t in graph.tensors.items() if t.stored}
    values[graph.inputs[0]] = x
    for op in graph.ops:
        args = [values.get(name) for name in (*op.inputs, *op.updates)]
        results = definition(op.kind).reference(op, args, Env())
        values.update(zip((*op.outputs, *op.updates), results, strict=True))
    return values[graph.outputs[0]]


def randomize(model, seed: int = 1) -> None:
    """Weights unlike their initial values; variances positive."""
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        shape, kind = tuple(variable.shape), str(variable.dtype)
        if "float" not in kind:
            continue
        values = rng.normal(0.1, 0.5, shape)
        variable.assign(np.abs(values) + 0.2 if "variance" in variable.path else values)
    for layer in model.layers:
        if isinstance(layer, L.Normalization):
            layer.finalize_state()


def check(model, tmp_path, samples: int = 3, tolerance: float = 1e-5) -> Graph:
    """Saves, loads and compares with Keras on random inputs; returns the graph."""
    randomize(model)
    path = tmp_path / "net.keras"
    model.save(path)
    graph = load(path)
    verify(graph)
    same(graph, from_model(model))
    x = np.random.default_rng(7).normal(0, 2, (samples, *model.input_shape[1:]))
    x = x.astype(np.float32)
    expected = np.asarray(keras.ops.convert_to_numpy(model(x, training=False)), np.float32)
    actual = np.stack([run(graph, sample) for sample in x])
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)
    return graph


def verify(graph: Graph) -> None:
    """What every importer promises about a graph."""
    known = {*graph.inputs, *(name for name, t in graph.tensors.items() if t.stored)}
    assert len({op.name for op in graph.ops}) == len(graph.ops)
    for op in graph.ops:
        assert {name for name in op.inputs if name} <= known
        shapes = definition(op.kind).shapes(op, graph)
        assert [graph.shape(name) for name in op.outputs] == list(shapes)
        assert op.attrs.get("activation", "linear") in NAMES
        known.update(op.outputs)
    assert known == set(graph.tensors) and set(graph.outputs) <= known
    for tensor in graph.tensors.values():
        if tensor.stored:
            assert tensor.role == "weight" and tensor.data.dtype == np.float32
            assert tensor.data.shape == tensor.shape


def same(a: Graph, b: Graph) -> None:
    """Two graphs are equal but for the name."""
    assert a.ops == b.ops and a.inputs == b.inputs and a.outputs == b.outputs
    assert set(a.tensors) == set(b.tensors)
    for name, tensor in a.tensors.items():
        assert tensor.shape == b[name].shape
        if tensor.stored:
            np.testing.assert_array_equal(tensor.data, b[name].data)


IMAGE, SEQUENCE, VECTOR = (7, 6, 3), (11, 3), (10,)

CASES = {
    "dense": (VECTOR, lambda: L.Dense(4)),
    "dense_no_bias": (VECTOR, lambda: L.Dense(4, use_bias=False, activation="relu")),
    "dense_sequence": (SEQUENCE, lambda: L.Dense(4, activation="tanh")),
    "dense_image": (IMAGE, lambda: L.Dense(5, activation="relu6")),
    "dense_rank_4": ((2, 3, 4, 5), lambda: L.Dense(3, activation="sigmoid")),
    "conv2d_valid": (IMAGE, lambda: L.Conv2D(4, (3, 2), activation="relu")),
    "conv2d_same_strided": (IMAGE, lambda: L.Conv2D(4, (3, 5), (2, 3), "same")),
    "conv2d_no_bias": (IMAGE, lambda: L.Conv2D(2, 1, use_bias=False)),
    "depthwise": (IMAGE, lambda: L.DepthwiseConv2D(3, activation="leaky_relu")),
    "depthwise_multiplier": (
        IMAGE,
        lambda: L.DepthwiseConv2D(3, 2, "same", depth_multiplier=2, use_bias=False),
    ),
    "depthwise1d": (SEQUENCE, lambda: L.DepthwiseConv1D(3, 2, "same", depth_multiplier=2)),
    "separable": (IMAGE, lambda: L.SeparableConv2D(5, (3, 2), (2, 2), "same", activation="relu")),
    "separable_multiplier": (
        IMAGE,
        lambda: L.SeparableConv2D(4, 3, depth_multiplier=3, use_bias=False),
    ),
    "separable1d": (SEQUENCE, lambda: L.SeparableConv1D(5, 3, 2, "same", depth_multiplier=2)),
    "conv1d": (SEQUENCE, lambda: L.Conv1D(4, 3, activation="relu")),
    "conv1d_same_strided": (SEQUENCE, lambda: L.Conv1D(4, 4, 3, "same")),
    "conv1d_causal": (SEQUENCE, lambda: L.Conv1D(4, 4, 2, "causal", activation="tanh")),
    "conv2d_dilated": (IMAGE, lambda: L.Conv2D(3, (2, 3), dilation_rate=(3, 2), padding="same")),
    "depthwise_dilated": (IMAGE, lambda: L.DepthwiseConv2D(2, dilation_rate=2)),
    "separable_dilated": (IMAGE, lambda: L.SeparableConv2D(4, 2, dilation_rate=2, padding="same")),
    "conv1d_dilated": (SEQUENCE, lambda: L.Conv1D(4, 3, dilation_rate=2)),
    "conv1d_causal_dilated": (
        SEQUENCE,
        lambda: L.Conv1D(4, 3, padding="causal", dilation_rate=3, activation="relu"),
    ),
    "conv1d_causal_1": (SEQUENCE, lambda: L.Conv1D(4, 1, padding="causal")),
    "batch_norm_image": (IMAGE, lambda: L.BatchNormalization()),
    "batch_norm_vector": (VECTOR, lambda: L.BatchNormalization(epsilon=0.1)),
    "batch_norm_no_scale": (SEQUENCE, lambda: L.BatchNormalization(scale=False)),
    "batch_norm_no_center": (SEQUENCE, lambda: L.BatchNormalization(center=False, axis=2)),
    "batch_norm_neither": (VECTOR, lambda: L.BatchNormalization(center=False, scale=False)),
    "normalization": (VECTOR, lambda: L.Normalization()),
    "rescaling": (IMAGE, lambda: L.Rescaling(1 / 127.5, offset=-1)),
    "rescaling_channels": (IMAGE, lambda: L.Rescaling([1.0, 2, 3], offset=[0.5, 0, -1])),
    "max_pool2d": (IMAGE, lambda: L.MaxPooling2D()),
    "max_pool2d_same": (IMAGE, lambda: L.MaxPooling2D((3, 2), (2, 1), "same")),
    "max_pool1d": (SEQUENCE, lambda: L.MaxPooling1D(3, 2)),
    "max_pool1d_same": (SEQUENCE, lambda: L.MaxPooling1D(3, padding="same")),
    "average_pool2d": (IMAGE, lambda: L.AveragePooling2D((2, 3))),
    "average_pool2d_same": (IMAGE, lambda: L.AveragePooling2D((3, 4), 2, "same")),
    "average_pool1d": (SEQUENCE, lambda: L.AveragePooling1D(4, 3, "same")),
    "global_average2d": (IMAGE, lambda: L.GlobalAveragePooling2D()),
    "global_average2d_keep": (IMAGE, lambda: L.GlobalAveragePooling2D(keepdims=True)),
    "global_average1d": (SEQUENCE, lambda: L.GlobalAveragePooling1D()),
    "global_average1d_keep": (SEQUENCE, lambda: L.GlobalAveragePooling1D(keepdims=True)),
    "global_max2d": (IMAGE, lambda: L.GlobalMaxPooling2D()),
    "global_max1d_keep": (SEQUENCE, lambda: L.GlobalMaxPooling1D(keepdims=True)),
    "zero_padding2d": (IMAGE, lambda: L.ZeroPadding2D(((1, 2), (0, 3)))),
    "zero_padding2d_one": (IMAGE, lambda: L.ZeroPadding2D(2)),
    "zero_padding1d": (SEQUENCE, lambda: L.ZeroPadding1D((2, 1))),
    "flatten": (IMAGE, lambda: L.Flatten()),
    "flatten_sequence": (SEQUENCE, lambda: L.Flatten()),
    "reshape": (VECTOR, lambda: L.Reshape((5, 2))),
    "reshape_rest": (IMAGE, lambda: L.Reshape((-1, 9))),
    "relu": (VECTOR, lambda: L.ReLU()),
    "relu6": (IMAGE, lambda: L.ReLU(6.0)),
    "relu_sloped": (VECTOR, lambda: L.ReLU(negative_slope=0.3)),
    "leaky_relu": (SEQUENCE, lambda: L.LeakyReLU()),
    "leaky_relu_slope": (VECTOR, lambda: L.LeakyReLU(negative_slope=0.07)),
    "activation": (VECTOR, lambda: L.Activation("sigmoid")),
    "activation_leaky": (VECTOR, lambda: L.Activation("leaky_relu")),
    "softmax": (VECTOR, lambda: L.Softmax()),
    "softmax_image": (IMAGE, lambda: L.Softmax()),
    "inline_layer": (VECTOR, lambda: L.Dense(4, activation=L.LeakyReLU(0.15))),
    "inline_relu_layer": (VECTOR, lambda: L.Dense(4, activation=L.ReLU(max_value=6.0))),
    "inline_softmax": (VECTOR, lambda: L.Dense(4, activation="softmax")),
}
DROPPED = {
    "Dropout": (VECTOR, lambda: L.Dropout(0.5)),
    "SpatialDropout1D": (SEQUENCE, lambda: L.SpatialDropout1D(0.5)),
    "SpatialDropout2D": (IMAGE, lambda: L.SpatialDropout2D(0.5)),
    "GaussianNoise": (VECTOR, lambda: L.GaussianNoise(1.0)),
    "GaussianDropout": (VECTOR, lambda: L.GaussianDropout(0.5)),
    "AlphaDropout": (VECTOR, lambda: L.AlphaDropout(0.5)),
    "ActivityRegularization": (VECTOR, lambda: L.ActivityRegularization(0.1)),
    "Identity": (VECTOR, lambda: L.Identity()),
    "RandomFlip": (IMAGE, lambda: L.RandomFlip()),
    "RandomRotation": (IMAGE, lambda: L.RandomRotation(0.5)),
    "RandomZoom": (IMAGE, lambda: L.RandomZoom(0.5)),
    "RandomTranslation": (IMAGE, lambda: L.RandomTranslation(0.5, 0.5)),
    "RandomContrast": (IMAGE, lambda: L.RandomContrast(0.5)),
    "RandomBrightness": (IMAGE, lambda: L.RandomBrightness(0.5)),
}


@pytest.mark.parametrize("name", CASES)
def test_layer_gives_the_numbers_of_keras(name, tmp_path):
    shape, layer = CASES[name]
    check(keras.Sequential([keras.Input(shape), layer()]), tmp_path)


@pytest.mark.parametrize("name", DROPPED)
def test_training_only_layer_is_dropped(name, tmp_path):
    shape, layer = DROPPED[name]
    graph = check(keras.Sequential([keras.Input(shape), layer(), L.ReLU(name="r")]), tmp_path)
    assert [op.name for op in graph.ops] == ["r/activation"]


def test_every_supported_layer_is_compared_with_keras():
    covered = {layer().__class__.__name__ for _, layer in (*CASES.values(), *DROPPED.values())}
    assert set(supported()) - covered == {"Add", "Concatenate", "Multiply", "Subtract"}


def test_normalization_uses_adapted_statistics(tmp_path):
    layer = L.Normalization()
    layer.adapt(np.random.default_rng(0).normal(3, 4, (50, 6)))
    model = keras.Sequential([keras.Input((6,)), layer, L.Dense(2)])
    path = tmp_path / "n.keras"
    model.save(path)
    x = np.ones(6, np.float32)
    np.testing.assert_allclose(run(load(path), x), model(x[None])[0], rtol=1e-5, atol=1e-5)


def ds_cnn():
    conv = [L.Conv2D(8, (10, 4), 2, "same", use_bias=False), L.BatchNormalization(), L.ReLU()]
    blocks = [
        layer
        for _ in range(3)
        for layer in (
            L.DepthwiseConv2D(3, padding="same"), L.BatchNormalization(), L.ReLU(6.0),
            L.Conv2D(8, 1), L.BatchNormalization(), L.Activation("relu"),
        )
    ]  # fmt: skip
    end = [L.Dropout(0.4), L.GlobalAveragePooling2D(), L.Dense(12, activation="softmax")]
    return keras.Sequential([keras.Input((25, 10, 1)), *conv, *blocks, *end])


def resnet():
    x = inputs = keras.Input((16, 16, 3))
    x = L.Conv2D(4, 3, padding="same", name="stem")(x)
    for i in range(2):
        y = L.Conv2D(4, 3, padding="same", activation="relu")(x)
        y = L.BatchNormalization()(L.Conv2D(4, 3, padding="same")(y))
        x = L.ReLU()(L.Add()([x, y])) if i else keras.ops.relu(x + y)
    x = L.Concatenate()([L.MaxPooling2D()(x), L.AveragePooling2D(2)(x), L.Conv2D(3, 2, 2)(x)])
    return keras.Model(inputs, L.Dense(5, activation="softmax")(L.Flatten()(x)))


def autoencoder():
    sizes = (16, 4, 16)
    layers = [L.Dense(n, activation="relu") for n in sizes]
    return keras.Sequential([keras.Input((32,)), *layers, L.Dense(32, activation="sigmoid")])


def sequence_classifier():
    layers = [
        L.Conv1D(8, 5, padding="causal"), L.BatchNormalization(), L.LeakyReLU(0.1),
        L.MaxPooling1D(2), L.SeparableConv1D(6, 3), L.ZeroPadding1D(1), L.Conv1D(4, 3),
        L.AveragePooling1D(2), L.Flatten(), L.Dense(3, activation="softmax"),
    ]  # fmt: skip
    return keras.Sequential([keras.Input((40, 6)), L.Rescaling(0.25), *layers])


def nested():
    backbone_in = keras.Input((8, 8, 1))
    x = L.Conv2D(4, 3, name="conv")(backbone_in)
    backbone = keras.Model(backbone_in, L.GlobalAveragePooling2D()(L.ReLU()(x)), name="backbone")
    head = keras.Sequential([keras.Input((4,)), L.Dense(6, "relu"), L.Dense(3)], name="head")
    inputs = keras.Input((8, 8, 1))
    a, b = L.Conv2D(1, 3, padding="same")(inputs), L.Conv2D(1, 1)(inputs)
    return keras.Model(inputs, L.Softmax()(head(backbone(L.Add()([a, b, inputs])))))


def sequential_of_models():
    inner = keras.Model(i := keras.Input((5,)), L.Dense(4, "relu")(i), name="first")
    deeper = keras.Sequential([keras.Sequential([L.Dense(4), L.Dense(4)]), L.Dense(2)])
    model = keras.Sequential([inner, deeper, L.Dense(3)])
    model.build((None, 5))
    return model


def squeeze_and_excite():
    inputs = keras.Input((8, 8, 3))
    x = L.Conv2D(4, 3, dilation_rate=2, padding="same", activation="relu")(inputs)
    gate = L.GlobalAveragePooling2D(keepdims=True)(x)
    gate = L.Conv2D(4, 1, activation="sigmoid")(L.Conv2D(2, 1, activation="relu")(gate))
    x = L.Subtract()([L.Multiply()([gate, x, x]), L.Conv2D(1, 3, padding="same")(x)])
    x = L.Subtract()([gate, x])
    return keras.Model(inputs, L.Dense(3)(L.Flatten()(x)))


def branches_on_all_axes():
    inputs = keras.Input((6, 4))
    a, b = L.Conv1D(4, 3, padding="same")(inputs), L.Dense(4)(inputs)
    x = L.Concatenate(axis=1)([a, b, inputs])
    y = L.Concatenate(axis=-1)([a, inputs])
    return keras.Model(
        inputs, L.Concatenate(axis=1)([L.Flatten()(x), L.Flatten()(y), L.Reshape((24,))(a)])
    )


def shared_activation():
    relu, flat = L.ReLU(name="relu"), L.Flatten()
    inputs = keras.Input((6,))
    a = relu(L.Dense(5)(inputs))
    b = relu(L.Dense(5)(a))
    return keras.Model(inputs, L.Add()([flat(a), flat(b)]))


MODELS = [
    ds_cnn, resnet, autoencoder, sequence_classifier, nested, sequential_of_models,
    branches_on_all_axes, shared_activation, squeeze_and_excite,
]  # fmt: skip


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_model_gives_the_numbers_of_keras(make, tmp_path):
    check(make(), tmp_path)


def test_predict_of_a_compiled_and_fitted_model(tmp_path):
    model = autoencoder()
    model.compile("adam", "mse")
    x = np.random.default_rng(0).random((64, 32), np.float32)
    model.fit(x, x, epochs=1, verbose=0)
    model.save(path := tmp_path / "ae.keras")
    actual = np.stack([run(load(path), sample) for sample in x])
    np.testing.assert_allclose(actual, model.predict(x, verbose=0), rtol=1e-5, atol=1e-5)


def realistic(model, x) -> None:
    """Statistics of real activations, so that a deep model is as well conditioned as a trained one.

    From fewer than some 50 samples variances come out near 0, and float32 rounding is amplified
    to 1e-3 in Keras' own output.
    """
    rng = np.random.default_rng(3)
    for layer in model.layers:
        if isinstance(layer, L.BatchNormalization):
            layer.gamma.assign(rng.uniform(0.8, 1.2, layer.gamma.shape))
            layer.beta.assign(rng.uniform(-0.3, 0.3, layer.beta.shape))
            layer.momentum = 0.0
    model(x, training=True)


@pytest.mark.parametrize("make", ["MobileNet", "MobileNetV2"])
def test_mobilenets_give_the_numbers_of_keras(make, tmp_path):
    options = {"alpha": 0.25 if make == "MobileNet" else 0.35, "weights": None, "classes": 5}
    model = getattr(keras.applications, make)((32, 32, 3), **options)
    x = np.random.default_rng(0).uniform(-1, 1, (64, 32, 32, 3)).astype(np.float32)
    realistic(model, x)
    model.save(path := tmp_path / "net.keras")
    x = x[:4]
    expected = model.predict(x, verbose=0)
    assert np.ptp(expected, axis=0).max() > 0.05
    graph = load(path)
    actual = np.stack([run(graph, sample) for sample in x])
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=2e-5)


def test_names_say_layer_and_part(tmp_path):
    layers = [L.Dense(3, "relu", name="hidden"), L.BatchNormalization(name="bn")]
    model = keras.Sequential([keras.Input((4,), name="x"), *layers, L.Softmax(name="out")])
    model.save(path := tmp_path / "my model.keras")
    graph = load(path)
    assert graph.name == "my_model" and from_model(model).name == model.name
    assert [(op.kind, op.name, op.layer) for op in graph.ops] == [
        ("dense", "hidden", "hidden"), ("activation", "hidden/activation", "hidden"),
        ("scale_shift", "bn", "bn"), ("softmax", "out/activation", "out"),
    ]  # fmt: skip
    assert {name for name, t in graph.tensors.items() if t.stored} == {
        "hidden/kernel", "hidden/bias", "bn/scale", "bn/shift"
    }  # fmt: skip


def test_one_dimensional_layers_need_no_reshapes_between_them(tmp_path):
    layers = [L.Conv1D(4, 3), L.BatchNormalization(), L.ReLU(), L.MaxPooling1D(), L.Conv1D(2, 2)]
    model = keras.Sequential([keras.Input((12, 2)), *layers, L.GlobalAveragePooling1D()])
    kinds = [op.kind for op in check(model, tmp_path).ops]
    assert kinds.count("reshape") == 1 and kinds[0] == "reshape"


@pytest.mark.parametrize("policy", ["float16", "bfloat16", "mixed_float16", "float64"])
def test_other_float_policies_are_computed_in_float32(policy, tmp_path):
    layers = [L.Dense(6, "relu", dtype=policy), L.Dense(3, dtype=policy)]
    model = keras.Sequential([keras.Input((5,)), *layers])
    check(model, tmp_path, tolerance={"float64": 1e-5, "bfloat16": 0.06}.get(policy, 8e-3))


def shared_dense():
    dense = L.Dense(4)
    return keras.Model(i := keras.Input((4,)), dense(dense(i)))


def shared_model():
    inner = keras.Sequential([keras.Input((4,)), L.Dense(4)], name="inner")
    return keras.Model(i := keras.Input((4,)), inner(inner(i)))


def two_inputs():
    i, j = keras.Input((4,)), keras.Input((4,))
    return keras.Model([i, j], L.Add()([i, j]))


def two_outputs():
    i = keras.Input((4,))
    return keras.Model(i, [L.Dense(1)(i), L.Dense(2)(i)])


def always_training():
    i = keras.Input((4,))
    return keras.Model(i, L.Dense(1)(L.Dropout(0.5)(i, training=True)))


def constant():
    i = keras.Input((4,))
    return keras.Model(i, L.Dense(1)(i + 1.0))


def one(layer, shape=VECTOR):
    return lambda: keras.Sequential([keras.Input(shape), layer()])


def quantized():
    model = autoencoder()
    model.quantize("int8")
    return model


@keras.saving.register_keras_serializable("mine")
class Custom(L.Dense):
    """A layer of the user's own."""


@keras.saving.register_keras_serializable("mine")
def cube(x):
    return x**3


def outer_product():
    inputs = keras.Input((4, 5, 3))
    rows, columns = L.MaxPooling2D((4, 1))(inputs), L.MaxPooling2D((1, 5))(inputs)
    return keras.Model(inputs, L.Multiply(name="outer")([rows, columns]))


UNSUPPORTED = {
    "outer_product": (outer_product, "layer outer"),
    "shared_dense": (shared_dense, "used more than once"),
    "shared_model": (shared_model, "used 2 times"),
    "two_inputs": (two_inputs, "2 inputs"),
    "two_outputs": (two_outputs, "2 outputs"),
    "training": (always_training, "training=True"),
    "constant": (constant, "constant 1.0"),
    "lambda": (one(lambda: L.Lambda(lambda x: x * 2, name="bad")), "'bad' is a Lambda"),
    "custom": (one(lambda: Custom(3)), "custom class 'mine>Custom'"),
    "custom_function": (one(lambda: L.Dense(3, activation=cube, name="d")), "layer d"),
    "lambda_inline": (one(lambda: L.Dense(3, activation=lambda x: x, name="d")), "layer d"),
    "gelu": (one(lambda: L.Dense(3, activation="gelu")), "'gelu' is not supported"),
    "lstm": (one(lambda: L.LSTM(3), SEQUENCE), "class 'LSTM' is not supported; supported: A"),
    "groups": (one(lambda: L.Conv2D(3, 3, groups=3), IMAGE), "groups"),
    "relu_max": (one(lambda: L.ReLU(max_value=2.0)), "max_value"),
    "relu_threshold": (one(lambda: L.ReLU(threshold=1.0)), "threshold"),
    "softmax_axis": (one(lambda: L.Softmax(axis=1), SEQUENCE), "axis=1"),
    "bn_axis": (one(lambda: L.BatchNormalization(axis=1), SEQUENCE), "axis=1"),
    "bn_renorm": (one(lambda: L.BatchNormalization(renorm=True)), "renorm"),
    "unknown_size": (one(lambda: L.Conv1D(3, 3), (None, 3)), "every size"),
    "channels_first": (
        one(lambda: L.MaxPooling2D(data_format="channels_first"), IMAGE),
        "data_format",
    ),
    "quantized": (quantized, "dtype 'int8"),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_is_unsupported_is_said(name, tmp_path):
    make, message = UNSUPPORTED[name]
    model = make()
    model.save(path := tmp_path / "net.keras")
    for attempt in (lambda: load(path), lambda: from_model(model)):
        with pytest.raises(UnsupportedError) as info:
            attempt()
        assert message in str(info.value)
    with pytest.raises(UnsupportedError, match=r"^net\.keras: "):
        load(path)


def test_negative_slope_is_refused(tmp_path):
    model = keras.Sequential([keras.Input((3,)), L.ReLU(negative_slope=0.5, name="r")])
    config = model.layers[0].get_config()
    assert config["negative_slope"] == 0.5
    model.layers[0].negative_slope = -0.5
    with pytest.raises(UnsupportedError, match=r"layer r .*negative_slope=-0.5"):
        from_model(model)


def test_nan_weights_are_refused(tmp_path):
    model = keras.Sequential([keras.Input((3,)), L.Dense(2, name="d")])
    model.layers[0].bias.assign([1.0, float("nan")])
    model.save(path := tmp_path / "nan.keras")
    with pytest.raises(BadInputError, match=r"nan\.keras: layer d \(Dense\): weight 1 holds NaN"):
        load(path)


def test_unbuilt_and_subclassed_models_are_refused():
    class Mine(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(BadInputError, match="no input shape"):
        from_model(keras.Sequential([L.Dense(3)]))
    with pytest.raises(UnsupportedError, match="Mine"):
        from_model(Mine())
    with pytest.raises(UnsupportedError, match="not a Keras 3 model"):
        from_model(object())


def test_legacy_h5_says_how_to_convert(tmp_path):
    autoencoder().save(path := tmp_path / "old.h5")
    with pytest.raises(UnsupportedError, match=r"old\.h5: is a legacy HDF5.*\.keras"):
        load(path)
