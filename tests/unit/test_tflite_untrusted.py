"""Hostile and damaged `.tflite` files: each ends in an error that says what is wrong."""

import random

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert, the schema")
from support import shared
from support.tflite_models import VALID, Net, packed

from tinylearn.errors import BadInputError, TinylearnError, UnsupportedError
from tinylearn.importers import tflite

ONES = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
NAN, INF = float("nan"), float("inf")


def model():
    """The object form: tensors 0 input, 1 weights, 2 bias, 3 convolved, 4 axes, 5 mean."""
    net = Net()
    x = net.input((1, 3, 3, 2), 0.1)
    w = net.constant(np.ones((2, 2, 2, 2), np.int8), [0.1, 0.2])
    b = net.constant(np.zeros(2, np.int32), [0.01, 0.02])
    y = net.op("CONV_2D", [x, w, b], (1, 2, 2, 2), 0.1, padding=VALID, **ONES)
    net.op("MEAN", [y, net.ints(1, 2)], (1, 2), 0.1)
    return net.model()


@pytest.fixture
def attempt(tmp_path):
    """Imports bytes, or the object form of a model."""
    path = tmp_path / "net.tflite"

    def run(content):
        path.write_bytes(content if isinstance(content, bytes) else packed(content))
        return tflite.load(path)

    return run


def tensor(i, **fields):
    def edit(m):
        for name, value in fields.items():
            setattr(m.subgraphs[0].tensors[i], name, value)

    return edit


def quant(i, **fields):
    def edit(m):
        for name, value in fields.items():
            value = np.array(value) if isinstance(value, list) else value
            setattr(m.subgraphs[0].tensors[i].quantization, name, value)

    return edit


def operator(i, **fields):
    def edit(m):
        for name, value in fields.items():
            setattr(m.subgraphs[0].operators[i], name, value)

    return edit


def option(**fields):
    def edit(m):
        for name, value in fields.items():
            setattr(m.subgraphs[0].operators[0].builtinOptions, name, value)

    return edit


def graph(**fields):
    def edit(m):
        for name, value in fields.items():
            setattr(m.subgraphs[0], name, value)

    return edit


def buffer_outside(m):
    m.buffers[1].data, m.buffers[1].offset, m.buffers[1].size = None, 4096, 16


def swapped(m):
    m.subgraphs[0].operators.reverse()


def float_scales(*values):
    return np.array(values, np.float32)


CASES = {
    "no_subgraph": (lambda m: setattr(m, "subgraphs", []), "0 subgraphs"),
    "two_subgraphs": (lambda m: m.subgraphs.append(m.subgraphs[0]), "2 subgraphs"),
    "no_inputs": (graph(inputs=[]), "0 inputs"),
    "no_outputs": (graph(outputs=[]), "0 outputs"),
    "input_index": (graph(inputs=[99]), "model inputs name tensors"),
    "output_index": (graph(outputs=[-1]), "model outputs name tensors"),
    "constant_input": (graph(inputs=[1]), "input is a constant"),
    "many_tensors": (lambda m: m.subgraphs[0].tensors.extend([m.subgraphs[0].tensors[0]] * 10_000),
                     "at most 10000"),
    "many_operators": (lambda m: m.subgraphs[0].operators.extend([m.subgraphs[0].operators[0]] * 1000),
                       "at most 1000"),
    "negative_dim": (tensor(0, shape=[1, -3, 3, 2]), "tensor 0: impossible shape"),
    "zero_dim": (tensor(0, shape=[1, 0, 3, 2]), "tensor 0 .*empty shape"),
    "huge_shape": (tensor(0, shape=[1, 1 << 30, 1 << 30, 16]), "tensor 0: impossible shape"),
    "many_axes": (tensor(0, shape=[1] * 9), "tensor 0: axes"),
    "batch": (tensor(0, shape=[2, 3, 3, 2]), "batch 2"),
    "data_size": (tensor(1, shape=[2, 2, 2, 3]), "tensor 1: 16 bytes for shape"),
    "no_buffer": (tensor(1, buffer=77), "there is no buffer 77"),
    "outside": (buffer_outside, "tensor 1: its values are stored behind"),
    "weight_type": (tensor(1, type=2, shape=[1, 2, 2, 1]), "weights of INT32"),
    "bias_type": (tensor(2, type=0), "biases are not of INT32"),
    "bias_count": (tensor(2, shape=[1, 2], type=2, buffer=0), "input 2 must be a constant"),
    "unknown_type": (tensor(0, type=11), "tensor 0 .*is COMPLEX"),
    "scale_nan": (quant(0, scale=float_scales(NAN)), "tensor 0: a scale"),
    "scale_inf": (quant(0, scale=float_scales(INF)), "tensor 0: a scale"),
    "scale_zero": (quant(0, scale=float_scales(0)), "tensor 0: a scale"),
    "scale_negative": (quant(0, scale=float_scales(-1)), "tensor 0: a scale"),
    "scale_tiny": (quant(0, scale=float_scales(1e-40)), "tensor 0: scale .* is too small"),
    "scale_ratio": (quant(0, scale=float_scales(1e14)), "scales differ by a factor"),
    "scales_missing": (tensor(0, quantization=None), "tensor 0 .*has no scale"),
    "scales_of_activation": (quant(0, scale=float_scales(1, 2), zeroPoint=[0, 0]), "several scales"),
    "scales_count": (quant(1, scale=float_scales(1, 2, 3), zeroPoint=[0, 0, 0]), "3 weight scales"),
    "scales_axis": (quant(1, quantizedDimension=2), "weight scales along axis 2"),
    "zero_points_count": (quant(1, zeroPoint=[0]), "2 scales but 1 zero points"),
    "zero_point_of_int8": (quant(0, zeroPoint=[128]), "leave int8"),
    "zero_point_huge": (quant(0, zeroPoint=[-(1 << 63)]), "leaves 32 bits"),
    "opcode": (operator(0, opcodeIndex=9), "no operator code 9"),
    "unknown_code": (lambda m: setattr(m.operatorCodes[0], "builtinCode", 9999), "9999.* not supported"),
    "operator_inputs": (operator(0, inputs=[0, 1, 50]), "operator 0: inputs name tensors"),
    "no_operator_inputs": (operator(0, inputs=[]), "needs inputs"),
    "no_operator_outputs": (operator(0, outputs=[]), "needs inputs and one output"),
    "left_out_input": (operator(0, inputs=[-1, 1, 2]), "has no input 0"),
    "own_output": (operator(0, inputs=[3, 1, 2]), "tensor 3 is used before it is computed"),
    "onto_input": (operator(1, outputs=[3]), "tensor 3, its output, has a value already"),
    "onto_constant": (operator(1, outputs=[1]), "tensor 1, its output, is a constant"),
    "cycle": (swapped, "tensor 3 is used before it is computed"),
    "no_options": (operator(0, builtinOptionsType=0, builtinOptions=None), "has no options"),
    "options_kind": (operator(0, builtinOptionsType=5), "for options, not Conv2DOptions"),
    "stride_zero": (option(strideH=0), "must be positive"),
    "stride_negative": (option(strideW=-1), "must be positive"),
    "stride_huge": (option(strideW=(1 << 31) - 1), "at most 65536"),
    "dilation": (option(dilationHFactor=1 << 30), "dilation"),
    "padding": (option(padding=7), "padding 7"),
    "activation": (option(fusedActivationFunction=5), "fused activation 5"),
    "output_shape": (tensor(3, shape=[1, 2, 2, 3]), "its output is declared"),
    "output_type": (tensor(3, type=0), "float32"),
    "axes_type": (tensor(4, type=0), "input 1 must be at most 8 integers"),
    "constant_output": (graph(outputs=[4]), "output is a constant"),
}  # fmt: skip


def test_the_model_itself_is_read(attempt):
    assert [op.kind for op in attempt(model()).ops] == ["q_conv2d", "q_mean"]


@pytest.mark.parametrize("name", CASES)
def test_damage_is_named(name, attempt):
    edit, message = CASES[name]
    damaged = model()
    edit(damaged)
    with pytest.raises((BadInputError, UnsupportedError), match=f"net.tflite: .*{message}"):
        attempt(damaged)


def one(code, *constants, shape=(1, 3, 4, 2), out=(1, 3, 4, 2), **options):
    """A model of one int8 operator on an input and constants."""
    net = Net()
    ends = [net.input(shape, 0.1), *(net.constant(np.array(*c)) for c in constants)]
    net.op(code, ends, out, 0.1, **options)
    return net.model()


def two(code, shapes, out, dtype="FLOAT32", **options):
    """A model of one operator on two computed tensors."""
    net = Net(dtype=dtype)
    scale = () if dtype == "FLOAT32" else 0.1
    x = net.input((1, 4, 4, 4), scale)
    ends = [net.op("RESHAPE", [x], shape, scale) for shape in shapes]
    net.op(code, ends, out, scale, **options)
    return net.model()


def batched(block=(2, 2), pads=(2, 2, 2, 2), crops=(0, 0, 0, 0), w=(2, 3, 3, 2), **options):
    net = Net()
    ends = [net.input((1, 8, 8, 2), 0.1), net.ints(block), net.ints(np.reshape(pads, (2, 2)))]
    x = net.op("SPACE_TO_BATCH_ND", ends, (4, 6, 6, 2), 0.1)
    ends = [x, net.constant(np.ones(w, np.int8), 0.1), net.constant(np.zeros(2, np.int32), 0.01)]
    y = net.op("CONV_2D", ends, (4, 4, 4, 2), 0.1, **{**ONES, "padding": VALID, **options})
    ends = [y, net.ints(block), net.ints(np.reshape(crops, (2, 2)))]
    net.op("BATCH_TO_SPACE_ND", ends, (1, 8, 8, 2), 0.1)
    return net.model()


I4, I1, F4 = np.int32, np.int8, np.float32
HOSTILE = {
    "pads_negative": (lambda: one("PAD", ([[0, 0], [0, -1], [0, 0], [0, 0]], I4)), "pads"),
    "pads_huge": (lambda: one("PAD", ([[0, 0], [0, 1 << 30], [0, 0], [0, 0]], I4)), "pads"),
    "pads_total": (lambda: one("PAD", ([[0, 0]] + [[65535, 65535]] * 3, I4)), "too large"),
    "pads_few": (lambda: one("PAD", ([[0, 0], [0, 0]], I4)), "pads"),
    "pads_batch": (lambda: one("PAD", ([[1, 0]] + [[0, 0]] * 3, I4)), "pads the batch"),
    "pads_floats": (lambda: one("PAD", (np.zeros((4, 2)), F4)), "integers"),
    "pad_value_type": (lambda: one("PADV2", ([[0, 0]] * 4, I4), (1.0, F4)), "pads with 1 values"),
    "pad_value_count": (lambda: one("PADV2", ([[0, 0]] * 4, I4), ([1, 2], I1)), "pads with 2"),
    "pad_value_none": (lambda: one("PADV2", ([[0, 0]] * 4, I4)), "has no input 2"),
    "mean_axis": (lambda: one("MEAN", ([4], I4), out=(1, 2)), "no axes"),
    "mean_axis_huge": (lambda: one("MEAN", ([-(1 << 31)], I4), out=(1, 2)), "no axes"),
    "mean_nothing": (lambda: one("MEAN", ([0], I4)), "over the batch alone"),
    "mean_shape": (lambda: one("MEAN", ([1, 2], I4), out=(1, 3)), "is declared"),
    "transpose_twice": (lambda: one("TRANSPOSE", ([0, 1, 1, 3], I4)), "permutation"),
    "transpose_few": (lambda: one("TRANSPOSE", ([0, 1], I4)), "permutation"),
    "transpose_negative": (lambda: one("TRANSPOSE", ([0, 1, 2, -1], I4)), "permutation"),
    "swish_shape": (lambda: one("HARD_SWISH", out=(1, 3, 4, 3)), "is declared"),
    "sum_of_two": (lambda: two("ADD", [(1, 4, 16), (1, 16, 4)], (1, 4, 16)), "go together"),
    "product_shape": (lambda: two("MUL", [(1, 8, 8), (1, 8, 8)], (1, 8, 7)), "is declared"),
    "loops": (lambda: two("MUL", [(1, 2, 1, 2, 1, 16), (1, 1, 2, 1, 2, 16)], (1, 64)), "go together|too often"),
    "slice_nothing": (lambda: one("SLICE", ([0, 0, 0, 0], I4), ([1, 0, 4, 2], I4)), "no part"),
    "slice_outside": (lambda: one("SLICE", ([0, 2, 0, 0], I4), ([1, 2, 4, 2], I4)), "no part"),
    "slice_negative": (lambda: one("SLICE", ([0, -1, 0, 0], I4), ([1, 1, 4, 2], I4)), "no part"),
    "slice_batch": (lambda: one("SLICE", ([1, 0, 0, 0], I4), ([1, 1, 4, 2], I4)), "part of the batch"),
    "slice_few": (lambda: one("SLICE", ([0, 0], I4), ([1, 1, 4, 2], I4)), "for 4 axes"),
    "slice_empty": (
        lambda: one("STRIDED_SLICE", ([0, 3], I4), ([1, 1], I4), ([1, 1], I4)), "nothing of axis 1"),
    "slice_back": (lambda: one("STRIDED_SLICE", ([0, 3], I4), ([1, 0], I4), ([1, -1], I4)), "a step of -1"),
    "slice_still": (lambda: one("STRIDED_SLICE", ([0], I4), ([1], I4), ([0], I4)), "a step of 0"),
    "slice_many": (lambda: one("STRIDED_SLICE", *[([0] * 5, I4)] * 3), "for 4 axes"),
    "gather_outside": (lambda: one("GATHER", ([3], I4), axis=1), "no part"),
    "gather_axis": (lambda: one("GATHER", ([0], I4), axis=4), "one place along one axis"),
    "gather_many": (lambda: one("GATHER", ([0, 1], I4), axis=1), "one place along one axis"),
    "block_zero": (lambda: batched(block=(0, 2)), "around a convolution"),
    "block_negative": (lambda: batched(block=(-2, 2)), "around a convolution"),
    "block_count": (lambda: batched(block=(2,)), "around a convolution"),
    "block_huge": (lambda: batched(block=(1 << 30, 2)), "around a convolution"),
    "crop_more": (lambda: batched(crops=(0, 3, 0, 0)), "around a convolution"),
    "block_window": (lambda: batched(block=(64, 64)), "around a convolution"),
    "batched_weights": (lambda: batched(w=(2, 3, 3, 3)), "does not fit"),
    "batched_stride": (lambda: batched(strideH=2), "around a convolution"),
    "dilation_zero": (lambda: batched(dilationHFactor=0), "around a convolution"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_arguments_are_named(name, attempt):
    make, message = HOSTILE[name]
    with pytest.raises((BadInputError, UnsupportedError), match=f"net.tflite: .*{message}"):
        attempt(make())


def test_dilation_of_nothing_is_refused(attempt):
    damaged = model()
    option(dilationWFactor=-1)(damaged)
    with pytest.raises(BadInputError, match=r"dilation .* must be positive"):
        attempt(damaged)


def test_not_a_model(attempt, tmp_path):
    for content in (b"TFL3", packed(model()).replace(b"TFL3", b"TFL2")):
        with pytest.raises(BadInputError, match="identifier is not TFL3"):
            attempt(content)
    with pytest.raises(BadInputError, match="is empty"):
        attempt(b"")
    with pytest.raises(BadInputError, match="no such file"):
        tflite.load(tmp_path / "absent.tflite")


def test_vectors_longer_than_the_file_are_refused(attempt):
    content = packed(model())
    for at in range(0, len(content), 4):
        if 0 < int.from_bytes(content[at : at + 4], "little") < 64:
            longer = content[:at] + b"\xff\xff\xff\x7f" + content[at + 4 :]
            survives(attempt, longer)


def test_total_of_shared_weights_is_bounded(attempt, monkeypatch):
    monkeypatch.setattr("tinylearn.importers.builder.MAX_ELEMENTS", 20)
    with pytest.raises(BadInputError, match="more than 20 weights"):
        attempt(model())


def test_total_of_scales_is_bounded(attempt, monkeypatch):
    monkeypatch.setattr("tinylearn.importers.tflite.file._MOST_SCALES", 3)
    with pytest.raises(BadInputError, match="more than 3 scales"):
        attempt(model())


def survives(attempt, content):
    """Imported, or refused in our own words."""
    try:
        attempt(content)
    except TinylearnError as error:
        return "net.tflite" not in str(error) and pytest.fail(f"names no file: {error}")
    return True


def test_every_truncation(attempt):
    content = packed(model())
    for length in range(len(content)):
        survives(attempt, content[:length])


def test_real_file_cut_and_flipped(attempt):
    content = (shared.folder("models") / "Hello_World.tflite").read_bytes()
    assert survives(attempt, content)
    for length in range(0, len(content), 3):
        survives(attempt, content[:length])
    rng = random.Random(5)
    for _ in range(1500):
        at = rng.randrange(len(content))
        flipped = bytes([content[at] ^ (1 << rng.randrange(8))])
        survives(attempt, content[:at] + flipped + content[at + 1 :])
