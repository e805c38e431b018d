"""<name>_device.c: the model as the device program, the learner and the twin see it."""

from __future__ import annotations

from collections.abc import Iterator

from tinylearn.emit.literals import c_type
from tinylearn.emit.model import EmittedModel
from tinylearn.ops.base import definition
from tinylearn.ops.losses import Loss

_WIDTH = 96
_MODES = {"always": "TL_LEARN_ALWAYS", "gated": "TL_LEARN_GATED", "never": "TL_LEARN_NEVER"}


def _wrapper(model: EmittedModel, result: str, verb: str, parameters: str, arguments: str) -> str:
    """A function of tl_model_t that calls the model's own, over an untyped state."""
    call = f"{model.name}_{verb}({arguments});"
    return _function(result, verb, parameters, call if result == "void" else f"return {call}")


def _function(result: str, verb: str, parameters: str, body: str) -> str:
    """A function of one statement, on one line where that fits."""
    head = f"static {result} do_{verb}({parameters}) {{"
    short = f"{head} {body} }}"
    return short if len(short) <= _WIDTH else f"{head}\n  {body}\n}}"


def _getter(model: EmittedModel, result: str, member: str) -> str:
    """A function of tl_model_t that reads a member of the state."""
    body = f"return ((const {model.name}_t *)m)->{member};"
    return _function(result, member, "const void *m", body)


def _cast(dtype: str, name: str, const: str) -> str:
    """An argument that the model takes as other elements than floats."""
    return name if dtype == "float32" else f"({const}{c_type(dtype)} *){name}"


def _wrappers(model: EmittedModel) -> Iterator[str]:
    x, y = _cast(model.input_dtype, "x", "const "), _cast(model.output_dtype, "y", "")
    yield _wrapper(model, "void", "init", "void *m", "m")
    yield _wrapper(model, "void", "predict", "void *m, const float *x, float *y", f"m, {x}, {y}")
    if not model.compiled.program.learns:
        return
    target, label = (
        "void *m, const float *x, const float *t",
        "void *m, const float *x, uint32_t label",
    )
    yield _wrapper(model, "void", "observe", "void *m, const float *x, float *y", f"m, {x}, {y}")
    for verb in ("update", "learn"):
        yield _wrapper(model, "float", verb, target, f"m, {x}, t")
        yield _wrapper(model, "float", f"{verb}_label", label, f"m, {x}, label")
    yield _wrapper(model, "void", "set_learning_rate", "void *m, float rate", "m, rate")
    yield _getter(model, "float", "learning_rate")
    for verb, const, pointer in (("read", "const ", "void *to"), ("write", "", "const void *from")):
        buffer = pointer.split("*")[1]
        parameters = f"{const}void *m, uint32_t offset, {pointer}, uint32_t bytes"
        yield _wrapper(model, "int", f"weights_{verb}", parameters, f"m, offset, {buffer}, bytes")
    if model.growable:
        yield _getter(model, "uint32_t", "classes")
        yield _wrapper(model, "int", "add_class", "void *m", "m")


def _tensors(model: EmittedModel) -> Iterator[str]:
    if not model.ram_tensors:
        return
    yield "static const tl_tensor_t tensors[] = {"
    for tensor in model.ram_tensors:
        place = f"offsetof({model.name}_weights_t, {model.names[tensor.name]})"
        kind = f"TL_ELEMENTS(TL_{tensor.dtype.upper()}, {tensor.size})"
        yield f"    {{{place}, {tensor.size if tensor.dtype == 'float32' else kind}}},"
    yield "};"
    yield ""


def _members(model: EmittedModel) -> Iterator[str]:
    program, n = model.compiled.program, model.name
    yield f'.name = "{n}"'
    yield f".hash = {{{', '.join(f'0x{byte:02x}' for byte in model.hash)}}}"
    yield f".state_bytes = sizeof({n}_t)"
    yield f".inputs = {n.upper()}_INPUTS"
    yield f".outputs = {n.upper()}_OUTPUTS"
    yield f".weights_bytes = {n.upper()}_WEIGHTS_BYTES"
    if model.ram_tensors:
        yield ".tensors = tensors"
        yield f".tensor_count = {len(model.ram_tensors)}"
    if model.growable:
        yield f".max_classes = {model.outputs}"
    yield f".loss = {_loss(model)}"
    for end, dtype in (("input", model.input_dtype), ("output", model.output_dtype)):
        yield from (() if dtype == "float32" else (f".{end}_type = TL_{dtype.upper()}",))
    verbs = ["init", "predict"]
    if program.learns:
        verbs += ["observe", "update", "update_label", "learn", "learn_label", "set_learning_rate",
                  "learning_rate", "weights_read", "weights_write"]  # fmt: skip
    verbs += ["classes", "add_class"] if model.growable else []
    yield from (f".{verb} = do_{verb}" for verb in verbs)


def _loss(model: EmittedModel) -> str:
    loss = model.compiled.program.loss
    rule = definition(loss.kind) if loss is not None else None
    return rule.enumerator if isinstance(rule, Loss) else "TL_LOSS_NONE"


def _buffers(model: EmittedModel, prefix: str) -> Iterator[str]:
    """x and y; bytes lie in floats, for their alignment."""
    for end, dtype in (("input", model.input_dtype), ("output", model.output_dtype)):
        count = f"{prefix}_{end.upper()}S"
        size, note = (
            (count, "") if dtype == "float32" else (f"({count} + 3) / 4", f" /* {dtype} */")
        )
        yield f"static float {end}[{size}];{note}"


def _memory(model: EmittedModel) -> Iterator[str]:
    n, prefix, guard = model.name, model.name.upper(), model.compiled.choices.guard
    yield f"static {n}_t state;"
    yield from _buffers(model, prefix)
    if model.compiled.program.learns:
        yield f"static float target[{prefix}_OUTPUTS];"
    if model.growable:
        yield f"static uint32_t labels[{prefix}_OUTPUTS];"
    if guard:
        yield f"static uint32_t snapshot[{prefix}_WEIGHTS_BYTES / 4]; /* for the roll-back guard */"
    mode = _MODES[model.compiled.choices.adapt if model.compiled.program.learns else "never"]
    new = "_NEW_HEAD" if model.compiled.choices.head is not None else ""
    yield f"static const tl_learner_config_t learner = TL_LEARNER_CONFIG{new}({mode});"


def emit_device(model: EmittedModel) -> str:
    """The text of <name>_device.c."""
    learns = model.compiled.program.learns
    pointers = ["&model", "&state", "input", "output", "target" if learns else "NULL", "&learner",
                "labels" if model.growable else "NULL",
                "snapshot" if model.compiled.choices.guard else "NULL"]  # fmt: skip
    lines = [
        f"/* {model.name}_device.c: generated by tinylearn {model.version}. Do not edit.",
        " * The model for the device program, with the memory that the learner works in. */",
        "#include <stddef.h>", "", f'#include "{model.name}.h"', '#include "tl_device.h"', "",
        *_wrappers(model), "", *_tensors(model),
        "static const tl_model_t model = {", *(f"    {m}," for m in _members(model)), "};", "",
        *_memory(model), "",
        f"const tl_device_t tl_device = {{{', '.join(pointers)}}};", "",
    ]  # fmt: skip
    return "\n".join(lines)
