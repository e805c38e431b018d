"""What a model's code takes, before any compiler has seen it. Building gives exact sizes; see size.py."""

from __future__ import annotations

from tinylearn.ir.graph import Program
from tinylearn.ops.base import definition

#: Bytes of code that one kernel call becomes at most on a Cortex-M4F, measured over the test
#: models; the same kernel called twice is two specialisations.
_BYTES = {"conv2d": 700, "conv2d_backward": 1500, "depthwise_conv2d": 900,
         "depthwise_conv2d_backward": 1800, "dense": 550, "dense_backward": 900,
         "softmax": 300, "softmax_cross_entropy_loss": 700, "sigmoid_cross_entropy_loss": 700,
         "q_conv2d": 850, "q_depthwise_conv2d": 300, "q_dense": 200, "q_softmax": 400, "q_mean": 500,
         "q_average_pool": 400, "q_max_pool": 200, "quantize": 300, "dequantize": 300,
         "i_input": 300, "i_dense": 500, "i_dense_gradient": 350, "i_dense_update": 1250,
         "i_conv2d": 800, "i_conv2d_gradient": 700, "i_conv2d_update": 900,
         "i_depthwise_conv2d": 700, "i_depthwise_conv2d_gradient": 700,
         "i_depthwise_conv2d_update": 900, "i_max_pool": 300, "i_max_pool_gradient": 300,
         "i_average_pool": 300, "i_average_pool_gradient": 300, "i_activation": 300,
         "i_softmax": 1000, "i_sigmoid": 800, "i_real": 300, "i_softmax_cross_entropy_loss": 1750,
         "i_sigmoid_cross_entropy_loss": 1600, "i_mse_loss": 1300}  # fmt: skip
_OTHERS = 250
_ALWAYS = 600
#: how much of that it becomes on cores without FPU, by the beginnings of their names: float32 kernels, whose
#: arithmetic is calls; those of quantized networks, which have no instructions for them; those that learn
#: in integers. Measured over the same models; with weights and device program within a tenth of the image
_SHARES = {"Cortex-M0": (0.6, 1.35, 1.2), "Cortex-M3": (0.6, 0.95, 1.0),
           "RV32": (0.8, 1.5, 1.2)}  # fmt: skip
_AS_MEASURED = (1.0, 1.0, 1.0)


def code_estimate(program: Program, core: str = "Cortex-M4F") -> int:
    """Estimated bytes of code of a program's kernels on a core."""
    shares = next(
        (shares for name, shares in _SHARES.items() if core.startswith(name)), _AS_MEASURED
    )
    kinds = [op.kind for op in program.sequence if not definition(op.kind).alias]
    found = sum(_BYTES.get(kind, _OTHERS) * _share(kind, shares) for kind in kinds)
    return round(_ALWAYS + found)


def _share(kind: str, shares: tuple[float, float, float]) -> float:
    real, quantized, integer = shares
    return integer if kind.startswith("i_") else quantized if kind.startswith("q_") else real
