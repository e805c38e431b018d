"""Whether a model fits a target, from its plan. Building gives exact sizes; see report/size.py."""

from __future__ import annotations

from dataclasses import dataclass

from tinylearn.emit.model import EmittedModel
from tinylearn.errors import DoesNotFitError
from tinylearn.ir.graph import Program
from tinylearn.ops.base import definition
from tinylearn.pipeline import Choices, compile_graph, prepare
from tinylearn.targets.target import Target

#: Bytes of code that one kernel call becomes at most on a Cortex-M4F, measured over the test
#: models; the same kernel called twice is two specialisations.
_CODE = {"conv2d": 700, "conv2d_backward": 1500, "depthwise_conv2d": 900,
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
_CODE_DEFAULT = 250
_CODE_FIXED = 600
#: Stack of a call into the model, and what a bare device program needs beside it, on most targets.
STACK_BYTES = Target.stack_bytes
PROGRAM_RAM = Target.program_ram
PROGRAM_FLASH = Target.program_flash


@dataclass(frozen=True)
class Fit:
    """Bytes needed and available. ``fits`` leaves room for a bare device program."""

    flash_weights: int
    flash_code: int
    flash_available: int
    ram: int
    ram_available: int
    flash_program: int = PROGRAM_FLASH

    @property
    def flash(self) -> int:
        """Weights and estimated code."""
        return self.flash_weights + self.flash_code

    @property
    def fits(self) -> bool:
        """Whether model, its buffers and the device program fit together."""
        return not self.problems()

    def problems(self) -> list[str]:
        """What does not fit, as sentences."""
        found = []
        if self.ram > self.ram_available:
            found.append(f"RAM: {self.ram:,} B needed, {self.ram_available:,} B there")
        if self.flash + self.flash_program > self.flash_available:
            found.append(
                f"flash: {self.flash + self.flash_program:,} B needed, {self.flash_available:,} B there"
            )
        return found


def code_estimate(program: Program) -> int:
    """Estimated bytes of code of a program's kernels."""
    ops = [op for op in program.sequence if not definition(op.kind).alias]
    return _CODE_FIXED + sum(_CODE.get(op.kind, _CODE_DEFAULT) for op in ops)


def ram_needed(model: EmittedModel, fixed: int = STACK_BYTES + PROGRAM_RAM) -> int:
    """Struct, stack, input, output and target buffers, and the device program's own RAM."""
    learns = model.compiled.program.learns
    program = model.compiled.program
    buffers = program.input.bytes + program.result.bytes + (4 * model.outputs if learns else 0)
    buffers += 4 * model.outputs if model.growable else 0
    return model.compiled.ram_bytes + buffers + fixed


def ram_to_infer(model: EmittedModel) -> int:
    """Bytes of the struct were the same network, with its head, generated not to learn."""
    compiled = model.compiled
    return compile_graph(prepare(compiled.source, compiled.choices), Choices()).plan.ram_bytes


def fit(model: EmittedModel, target: Target) -> Fit:
    """Compares a compiled model with a target."""
    plan = model.compiled.plan
    return Fit(plan.flash_weights, code_estimate(model.compiled.program), target.program_bytes,
               ram_needed(model, target.stack_bytes + target.program_ram), target.ram_bytes,
               target.program_flash)  # fmt: skip


def require_fit(model: EmittedModel, target: Target) -> None:
    """Raises DoesNotFitError with what is missing and what may help."""
    problems = fit(model, target).problems()
    if problems:
        raise DoesNotFitError(
            f"model {model.name} does not fit {target.name}: {'; '.join(problems)}. Let fewer layers "
            "learn (--learn last:1, --ram BYTES), take a larger target, or write it anyway with --force"
        )
