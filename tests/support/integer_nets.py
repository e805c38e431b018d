"""Random chains of the layers that learn in integers."""

from __future__ import annotations

import random

from support.graphs import Net
from tinylearn.ir.graph import Graph

ACTIVATIONS = ("relu", "relu", "tanh", "sigmoid", None)


def _window(chance: random.Random, net: Net, most: int) -> tuple[tuple[int, int], ...]:
    """Kernel and strides."""
    height, width, _ = net.shape()
    kernel = (chance.randint(1, min(most, height)), chance.randint(1, min(most, width)))
    return kernel, (chance.randint(1, 3), chance.randint(1, 3))


def _layer(chance: random.Random, net: Net, name: str) -> None:
    kernel, strides = _window(chance, net, 3)
    padding, bias = chance.choice(("same", "valid")), chance.random() < 0.8
    rest = {"strides": strides, "padding": padding, "bias": bias}
    if chance.random() < 0.6:
        net.conv(name, chance.randint(1, 9), kernel, act=chance.choice(ACTIVATIONS), **rest)
    else:
        times = chance.randint(1, 2)
        net.depthwise(name, times, kernel, act=chance.choice(ACTIVATIONS), **rest)


def _pool(chance: random.Random, net: Net, name: str) -> None:
    kernel, strides = _window(chance, net, 4)
    attrs = {"kernel": kernel, "strides": strides, "padding": chance.choice(("same", "valid"))}
    net.op(chance.choice(("max_pool", "average_pool")), name, attrs=attrs)


def random_cnn(seed: int) -> Graph:
    """One to four convolutions and pools on a small image, and an end that learns."""
    chance = random.Random(seed)
    shape = (chance.choice((1, chance.randint(2, 9))), chance.randint(2, 9), chance.randint(1, 5))
    net = Net(f"cnn{seed}", shape, seed)
    for i in range(chance.randint(1, 4)):
        (_layer if i == 0 or chance.random() < 0.6 else _pool)(chance, net, f"l{i}")
    ends_in_sums = net.ops[-1].kind in ("conv2d", "depthwise_conv2d", "average_pool")
    if ends_in_sums and chance.random() < 0.3:
        net.op("reshape", "end", attrs={"shape": (net.tensors[net.cur].size,)})
        return net.done()
    _ = net.op("global_average_pool", "mean") if chance.random() < 0.3 else net.flatten()
    net.dense("out", chance.randint(2, 6), chance.choice(("softmax", "sigmoid", None)))
    return net.done()
