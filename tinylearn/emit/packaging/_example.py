"""A program in plain C that predicts once: the example of formats for other build systems."""

from __future__ import annotations

from tinylearn.emit.literals import c_type
from tinylearn.emit.model import EmittedModel

_PROGRAM = """/* Predicts once{and_learns} and prints the outputs. */
#include <stdio.h>

#include "{header}.h"

static {name}_t model; /* all state; its size is the RAM cost */
static {x_type} x[{upper}_INPUTS];
static {y_type} y[{upper}_OUTPUTS];

{entry} {{
  int i;
  {name}_init(&model); /* initial weights from flash */
{sense}  {name}_predict(&model, x, y);
  for (i = 0; i < {upper}_OUTPUTS; i++) printf("{name}: y[%d] = {shown}\\n", i, {value});
{learn}{end}}}
"""

_SENSE = "  (void)sensors_input(x); /* complete when it returns 1; see sensors.h */\n"
_LEARN = (
    "  (void){name}_learn_label(&model, x, 0); /* one step; NaN where there is no such label */\n"
)


def example(model: EmittedModel, entry: str = "int main(void)") -> bytes:
    """The program's text. ``entry``: the head of the function that the system calls."""
    learns, floats = model.compiled.program.learns, model.output_dtype == "float32"
    text = _PROGRAM.format(
        name=model.name, upper=model.name.upper(), entry=entry,
        header="sensors" if model.sensors else model.name, sense=_SENSE if model.sensors else "",
        and_learns=", learns once" if learns else "",
        x_type=c_type(model.input_dtype), y_type=c_type(model.output_dtype),
        shown="%ld / 1000" if floats else "%d", value="(long)(1000.0f * y[i])" if floats else "y[i]",
        learn=_LEARN.format(name=model.name) if learns else "",
        end="  return 0;\n" if entry.startswith("int") else "",
    )  # fmt: skip
    return text.encode()
