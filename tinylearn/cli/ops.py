"""List the operators and the Keras layers that become them."""

from __future__ import annotations

import argparse

HELP = "list supported operators"


def configure(verb: argparse.ArgumentParser) -> None:
    """No options of its own."""


def execute(args: argparse.Namespace) -> int:
    """Prints every op that a model's layer can become."""
    from tinylearn.cli.output import print_json, print_table
    from tinylearn.ops.base import OpDef, all_definitions

    def learns(rule: OpDef) -> str:
        passes = type(rule).gradient is not OpDef.gradient
        return "weights" if rule.weights else "passes gradients" if passes else ""

    rows = [(r.kind, r.summary, learns(r)) for r in all_definitions() if r.summary]
    if args.json:
        print_json([{"op": k, "layers": s, "learning": w} for k, s, w in rows])
    else:
        print_table(("op", "from Keras", "learning"), rows)
    return 0
