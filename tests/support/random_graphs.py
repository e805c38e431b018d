"""Random small networks with branches: what the planner and the passes must survive."""

from __future__ import annotations

import random
from collections.abc import Callable

from support.graphs import Net
from tinylearn.ir.graph import Graph
from tinylearn.ops.check import checked
from tinylearn.passes.backward import Optimizer
from tinylearn.passes.prune import prune
from tinylearn.passes.select_trainable import trainable_layers
from tinylearn.pipeline import Choices

ACTIVATIONS = ("relu", "relu6", "leaky_relu", "sigmoid", "tanh", None)
_MOST = 120  # elements of one tensor


def _window(chance: random.Random, net: Net) -> dict[str, object]:
    height, width, _ = net.shape()
    kernel = (chance.randint(1, min(3, height)), chance.randint(1, min(3, width)))
    strides = (chance.randint(1, 2), chance.randint(1, 2))
    return {"kernel": kernel, "strides": strides, "padding": chance.choice(("same", "valid"))}


def _conv(chance: random.Random, net: Net, name: str) -> None:
    w = _window(chance, net)
    net.conv(name, chance.randint(1, 4), w["kernel"], w["strides"], w["padding"],
             chance.choice(ACTIVATIONS), chance.random() < 0.8)  # fmt: skip


def _depthwise(chance: random.Random, net: Net, name: str) -> None:
    w = _window(chance, net)
    multiplier = chance.randint(1, 2) if net.shape()[2] < 4 else 1
    net.depthwise(name, multiplier, w["kernel"], w["strides"], w["padding"],
                  chance.choice(ACTIVATIONS), chance.random() < 0.8)  # fmt: skip


def _pool(chance: random.Random, net: Net, name: str) -> None:
    net.op(chance.choice(("max_pool", "average_pool")), name, attrs=_window(chance, net))


def _pad(chance: random.Random, net: Net, name: str) -> None:
    net.op("zero_pad", name, attrs={"pads": tuple(chance.randint(0, 1) for _ in range(4))})


def _gap(chance: random.Random, net: Net, name: str) -> None:
    net.op("global_average_pool", name)


def _dense(chance: random.Random, net: Net, name: str) -> None:
    net.dense(name, chance.randint(1, 9), chance.choice(ACTIVATIONS), chance.random() < 0.8)


def _image(chance: random.Random, net: Net, name: str) -> None:
    (n,) = net.shape()
    rows = max(r for r in (1, 2, 3) if n % r == 0)
    net.op("reshape", name, attrs={"shape": (1, rows, n // rows)})


def _flatten(chance: random.Random, net: Net, name: str) -> None:
    net.flatten(name)


def _activation(chance: random.Random, net: Net, name: str) -> None:
    net.activation(name, chance.choice((*ACTIVATIONS[:5], "softmax")))


def _norm(chance: random.Random, net: Net, name: str) -> None:
    net.batch_norm(name)


def _add(chance: random.Random, net: Net, name: str) -> None:
    """Two tensors of one shape: different ones where there are, or one twice."""
    alike = [t for t in net.live if net.shape(t) == net.shape()]
    net.op("add", name, (net.cur, chance.choice(alike)))
    if chance.random() < 0.3:
        net.activation(name, "relu")


def _concat(chance: random.Random, net: Net, name: str) -> None:
    axis, shape = chance.randrange(len(net.shape())), net.shape()

    def rest(t: str) -> tuple[int, ...]:
        return net.shape(t)[:axis] + net.shape(t)[axis + 1 :]

    fitting = [t for t in net.live
               if len(net.shape(t)) == len(shape) and rest(t) == rest(net.cur)]  # fmt: skip
    parts = [net.cur, *(chance.choice(fitting) for _ in range(chance.randint(1, 2)))]
    net.concat(name, parts, axis)


_ON_IMAGES: tuple[Callable[..., None], ...] = (
    _conv, _conv, _depthwise, _pool, _pad, _gap, _flatten, _activation, _norm, _add, _add, _concat)  # fmt: skip
_ON_VECTORS = (_dense, _dense, _dense, _image, _activation, _norm, _add, _add, _concat)


def random_graph(chance: random.Random, name: str = "g", steps: int = 7) -> Graph:
    """A network of about ``steps`` layers; any earlier tensor may be read again."""
    image = chance.random() < 0.6
    shape = (chance.randint(1, 5), chance.randint(2, 5), chance.randint(1, 3))
    net = Net(name, shape if image else (chance.randint(1, 9),), chance.getrandbits(32))
    for i in range(chance.randint(1, steps)):
        net.cur = net.live[-1] if chance.random() < 0.7 else chance.choice(net.live)
        options = _ON_IMAGES if len(net.shape()) == 3 else _ON_VECTORS
        chance.choice(options)(chance, net, f"l{i}")
        if net.tensors[net.cur].size <= _MOST:
            net.live.append(net.cur)
    _finish(chance, net)
    return checked(prune(net.graph()))


def _finish(chance: random.Random, net: Net) -> None:
    """Joins the last tensors, and ends in a layer that can learn, or now and then in none."""
    net.cur = net.live[-1]
    if chance.random() < 0.15:
        return
    if len(net.shape()) == 3:
        net.flatten("last_flat")
    act = chance.choice(("softmax", "sigmoid", None, "relu"))
    net.dense("last", chance.randint(2 if act == "softmax" else 1, 4), act)


def random_choices(chance: random.Random, graph: Graph) -> Choices:
    """Which layers learn, and how; "none" where none can."""
    layers = trainable_layers(graph)
    if not layers:
        return Choices()
    some = ",".join(chance.sample(layers, chance.randint(1, len(layers))))
    learn = chance.choice(
        ("all", "all", "last:1", f"last:{chance.randint(1, len(layers))}", some, "none")
    )
    momentum, decay = chance.choice((0.0, 0.0, 0.5)), chance.choice((0.0, 0.0, 0.1))
    optimizer = Optimizer(momentum, decay, chance.choice((1, 1, 2)), chance.random() < 0.5)
    if learn == "none":
        optimizer = Optimizer()
    return Choices(learn, rate=0.05, optimizer=optimizer, standardize_input=chance.random() < 0.2)
