"""keras.optimizers.SGD written out in NumPy for a small dense network, as an oracle.

Semantics (keras 3, optimizers/sgd.py and base_optimizer.py): at each update the mean gradient
of ``accumulate`` samples counts; weight decay first takes ``rate * decay`` of the weights;
then v = momentum v - rate g; w += v.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

Layers = list[tuple[np.ndarray, np.ndarray]]


def forward(layers: Layers, x: np.ndarray) -> list[np.ndarray]:
    """Outputs of all layers: ReLU between, softmax at the end."""
    values = [np.asarray(x, np.float64)]
    for i, (w, b) in enumerate(layers):
        z = w @ values[-1] + b
        if i < len(layers) - 1:
            values.append(np.maximum(z, 0))
        else:
            e = np.exp(z - z.max())
            values.append(e / e.sum())
    return values


def gradients(layers: Layers, x: np.ndarray, label: int) -> Layers:
    """Of the cross-entropy, by the chain rule written out."""
    values, found = forward(layers, x), []
    delta = values[-1].copy()
    delta[label] -= 1
    for i in reversed(range(len(layers))):
        found.append((np.outer(delta, values[i]), delta))
        delta = (layers[i][0].T @ delta) * (values[i] > 0)
    return found[::-1]


@dataclass
class Sgd:
    """The optimiser and the network it trains."""

    layers: Layers
    rate: float
    momentum: float = 0.0
    decay: float = 0.0
    accumulate: int = 1
    velocity: Layers = field(init=False)
    waiting: list[Layers] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.velocity = [(0 * w, 0 * b) for w, b in self.layers]

    def learn(self, x: np.ndarray, label: int) -> None:
        self.waiting.append(gradients(self.layers, x, label))
        if len(self.waiting) < self.accumulate:
            return
        for i, pair in enumerate(self.layers):
            mean = [np.mean([g[i][k] for g in self.waiting], axis=0) for k in (0, 1)]
            velocity = [self.momentum * self.velocity[i][k] - self.rate * mean[k] for k in (0, 1)]
            kept = [value - value * self.decay * self.rate for value in pair]
            self.velocity[i] = (velocity[0], velocity[1])
            self.layers[i] = (kept[0] + velocity[0], kept[1] + velocity[1])
        self.waiting = []
