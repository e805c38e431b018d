"""Which names the layers of a .tflite file get: a user writes them after --at."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert, which has the schema")
from support.tflite_models import Net, packed

from tinylearn.importers import tflite


def layers(folder: Path, *names: str) -> list[str]:
    """Of a chain of activations whose results have these names."""
    net = Net()
    x = net.input((1, 4), 0.05, 3)
    for name in names:
        x = net.op("RELU", [x], (1, 4), 0.05, 3)
        net.tensors[x].name = name
    (folder / "net.tflite").write_bytes(packed(net.model()))
    ops = tflite.load(folder / "net.tflite", "single").ops
    return list(dict.fromkeys(op.layer for op in ops))


@pytest.mark.parametrize(
    ("tensor", "layer"),
    [
        ("cnn_1/conv_1/Relu;cnn_1/conv_1/BiasAdd;cnn_1/conv_1/Squeeze1", "conv_1"),
        ("cnn_1/pool_1/MaxPool2d", "pool_1"),
        ("net/relu/Relu6;net/bn/batchnorm/add_1;net/conv/Conv2D;net/bn/batchnorm/sub1", "bn"),
        ("StatefulPartitionedCall_1:0", "StatefulPartitionedCall_1"),
        ("net/out/MatMul;net/out/BiasAdd", "out"),
        ("model/flat/Reshape", "Reshape"),
        ("Relu", "Relu"),
        ("dense int8", "dense_int8"),
        ("7", "7"),
        ("/;:", "op_0"),
        ("", "op_0"),
    ],
)
def test_layer_is_named_for_what_a_user_would_know(tensor: str, layer: str, tmp_path: Path) -> None:
    assert layers(tmp_path, tensor) == [layer]


def test_layers_of_one_name_are_numbered(tmp_path: Path) -> None:
    assert layers(tmp_path, "a/b/Relu", "b", "c/b/BiasAdd") == ["b", "b_2", "b_3"]
