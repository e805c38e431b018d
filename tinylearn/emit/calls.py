"""Kernel calls as C text."""

from __future__ import annotations

import re
import textwrap

import numpy as np

from tinylearn.emit.literals import c_type, dims, float_literal
from tinylearn.emit.model import EmittedModel
from tinylearn.emit.names import comment
from tinylearn.ir.graph import Op, Tensor
from tinylearn.ops.base import Arg, Call, Macro, Ref, Struct, Symbol, definition
from tinylearn.planner.plan import lives_in_ram

_WIDTH = 96
_GLUE = "\0"  # a space at which no line is broken
_SYMBOLS = {"target": "t", "classes": "(int)m->classes"}


def arena_name(model: EmittedModel, tensor: str) -> str:
    """Enumerator of a tensor's place in the arena. A gradient before and after the slope of an
    activation has one name where it has one place."""
    before = tensor.removesuffix(":pre")
    plan = model.compiled.plan
    if before in model.names and plan.offset(before) == plan.offset(tensor):
        tensor = before
    return f"AT_{model.names[tensor].upper()}"


def reference(model: EmittedModel, tensor: str) -> str:
    """C expression for a tensor's address."""
    if not tensor:
        return "NULL"
    plan, name = model.compiled.plan, model.names[tensor]
    stored = model.compiled.program.graph[tensor]
    if stored.stored:
        if lives_in_ram(stored):
            return f"m->weights.{name}"
        return (
            f"m->{name}" if stored.role in ("velocity", "gradient_sum") else f"{model.name}_{name}"
        )
    external = plan.external.get(tensor)
    if external:
        return "x" if external == "input" else "y"
    return f"{_arena(model, stored)} + {arena_name(model, tensor)}"


def _arena(model: EmittedModel, tensor: Tensor) -> str:
    """The arena as an array of a tensor's elements. Bytes may alias anything in C."""
    own = c_type(tensor.dtype)
    return "m->arena" if own == model.arena_type else f"({own} *)m->arena"


def arena_index(model: EmittedModel, tensor: str) -> int:
    """A tensor's place in the arena, counted in its own elements."""
    element = np.dtype(model.compiled.program.graph[tensor].dtype).itemsize
    return model.compiled.plan.offset(tensor) // element


def _argument(model: EmittedModel, arg: Arg) -> str:
    if isinstance(arg, Ref):
        return reference(model, arg.tensor)
    if isinstance(arg, Symbol):
        return _SYMBOLS.get(arg.name, arg.name)
    if isinstance(arg, Macro):
        return arg.name
    if isinstance(arg, Struct):
        fields = ", ".join(
            f".{name}{_GLUE}={_GLUE}{_argument(model, value)}" for name, value in arg.fields
        )
        return f"({arg.type}){{{fields}}}"
    return float_literal(arg) if isinstance(arg, float) else str(arg)


def wrapped(text: str, indent: int) -> str:
    """A long C statement on several lines, continued under its start."""
    lines = textwrap.wrap(text, _WIDTH - indent, subsequent_indent=" " * 4,
                          break_long_words=False, break_on_hyphens=False)  # fmt: skip
    return "\n".join(" " * indent + line for line in lines).replace(_GLUE, " ")


def expression(model: EmittedModel, call: Call) -> str:
    """A kernel call as a C expression."""
    return f"{call.function}({', '.join(_argument(model, a) for a in call.args)})"


def kind_in_words(kind: str) -> str:
    """An op's kind for comments."""
    return re.sub("^i ", "integer ", kind.replace("_", " "))


def describe(model: EmittedModel, op: Op) -> str:
    """A comment for one op: layer, kind, shapes, activation, cost."""
    graph = model.compiled.program.graph
    shapes = " -> ".join(dims(graph.shape(n)) for n in (op.inputs[:1] + op.outputs[:1]) if n)
    words = [kind_in_words(op.kind), shapes]
    activation = op.attrs.get("activation", "linear")
    words += (
        [activation] if activation not in ("linear", *words) and "backward" not in op.kind else []
    )
    macs = definition(op.kind).macs(op, graph)
    cost = f"; {macs} MAC" if macs else ""
    return f"/* {comment(op.layer or op.name)}: {', '.join(w for w in words if w)}{cost} */"


def statements(model: EmittedModel, ops: tuple[Op, ...]) -> list[str]:
    """The calls of some ops, each under its comment."""
    lines = []
    for op in ops:
        call = definition(op.kind).call(op, model.compiled.program.graph)
        if call is not None:
            lines += ["  " + describe(model, op), wrapped(expression(model, call) + ";", 2)]
    return lines


def uses(model: EmittedModel, ops: tuple[Op, ...], symbol: str) -> bool:
    """Whether any of the ops' calls names a symbol."""
    graph = model.compiled.program.graph
    calls = (definition(op.kind).call(op, graph) for op in ops)
    return any(Symbol(symbol) in call.args for call in calls if call is not None)


def touches(model: EmittedModel, ops: tuple[Op, ...], where: str) -> bool:
    """Whether any of the ops reads or writes the caller's x ("input") or y ("output")."""
    graph, external = model.compiled.program.graph, model.compiled.plan.external
    calls = (definition(op.kind).call(op, graph) for op in ops)
    refs = (a for call in calls if call is not None for a in call.args if isinstance(a, Ref))
    return any(external.get(ref.tensor) == where for ref in refs)
