"""<name>_info.json: everything about a generated model that a machine may want to know."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tinylearn.emit.model import EmittedModel
from tinylearn.ir.graph import Tensor
from tinylearn.planner.costs import LayerCost, layer_costs, macs, macs_of_step


def _layer(cost: LayerCost) -> dict[str, Any]:
    return {
        "name": cost.layer, "op": cost.kind, "activation": cost.activation, "shape": list(cost.shape),
        "macs": cost.macs, "macs_learning": cost.macs_learning, "weight_bytes": cost.weight_bytes,
        "learns": cost.learns, "ram_forward": cost.ram_forward, "ram_learning": cost.ram_learning,
    }  # fmt: skip


def weights_table(model: EmittedModel) -> list[dict[str, Any]]:
    """Name, shape and place of each tensor in the weights' byte range."""
    rows, at = list[dict[str, Any]](), 0
    for t in model.ram_tensors:
        rows.append({"name": t.name, "shape": list(t.shape), "offset": at, "bytes": t.bytes,
                     "dtype": t.dtype, "role": t.role})  # fmt: skip
        at += t.bytes
    return rows


def _arena(model: EmittedModel) -> list[dict[str, Any]]:
    slots = sorted(model.compiled.plan.slots, key=lambda s: (s.offset, s.first))
    return [
        {"tensors": list(s.names), "offset": s.offset, "bytes": s.bytes, "first_op": s.first,
         "last_op": s.last}
        for s in slots
    ]  # fmt: skip


def _end(tensor: Tensor) -> dict[str, Any]:
    """Shape, dtype and, for integers, what they stand for."""
    described: dict[str, Any] = {"shape": list(tensor.shape), "dtype": tensor.dtype}
    if tensor.quant is not None:
        described |= {"scale": tensor.quant.scale, "zero_point": tensor.quant.zero_point}
    return described


def describe(
    model: EmittedModel, target: str, project_format: str, fleet: bool = False
) -> dict[str, Any]:
    """The content of the info file, but for the list of files."""
    compiled = model.compiled
    program, plan = compiled.program, compiled.plan
    return {
        "generator": f"tinylearn {model.version}",
        "name": model.name,
        "target": target,
        "format": project_format,
        "fleet": fleet,
        "source": {"name": model.source_name, "sha256": model.source_sha256},
        "hash": model.hash.hex(),
        "input": _end(program.input),
        "output": _end(program.result),
        "loss": compiled.loss,
        "classes": compiled.classes,
        "choices": compiled.choices.as_json(),
        "layers": [_layer(cost) for cost in layer_costs(plan)],
        "macs": {
            "inference": macs(program, program.forward),
            "learning": macs_of_step(program) if program.learns else 0,
        },
        "flash": {"weights": plan.flash_weights},
        "ram": dict(plan.ram),
        "ram_bytes": plan.ram_bytes,
        "snapshot_bytes": compiled.ram_bytes - plan.ram_bytes,
        "arena": _arena(model),
        "arena_lower_bound": plan.arena_bound,
        "weights": weights_table(model),
        "weights_bytes": model.weights_bytes,
    }


def emit_info(
    model: EmittedModel, target: str, project_format: str, files: Iterable[str], fleet: bool = False
) -> str:
    """The text of <name>_info.json."""
    content = {**describe(model, target, project_format, fleet), "files": sorted(files)}
    return json.dumps(content, indent=2, sort_keys=True) + "\n"
