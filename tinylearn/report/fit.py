"""Whether a model fits a target, from its plan. Building gives exact sizes; see report/size.py."""

from __future__ import annotations

from dataclasses import dataclass

from tinylearn.emit.model import EmittedModel
from tinylearn.errors import DoesNotFitError
from tinylearn.pipeline import Choices, compile_graph, prepare
from tinylearn.report.code_size import code_estimate
from tinylearn.targets.target import Target

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
    code = code_estimate(model.compiled.program, target.core)
    return Fit(plan.flash_weights, code, target.program_bytes,
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
