"""Command-line options about what a model learns, shared by analyze and generate."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tinylearn.cli.arguments import not_negative, positive, positive_real

if TYPE_CHECKING:
    from tinylearn.pipeline import Choices


def add_choice_options(verb: argparse.ArgumentParser) -> None:
    """Adds the options that ``choices_of`` reads."""
    what = verb.add_argument_group("what learns")
    selection = what.add_mutually_exclusive_group()
    selection.add_argument(
        "--learn",
        default="none",
        metavar="all|last:N|NAMES|none",
        help="layers that learn on the device (default: none; the head, with --head)",
    )
    selection.add_argument(
        "--ram",
        type=positive,
        default=0,
        metavar="BYTES",
        help="let as many of the last layers learn as fit this RAM",
    )
    what.add_argument(
        "--head",
        metavar="dense:N[:ACTIVATION]",
        help="a new last layer of N outputs; ACTIVATION: softmax (default), sigmoid or linear",
    )
    what.add_argument(
        "--at",
        default="output",
        metavar="output|features|LAYER",
        help="what the new layer reads: the model's output (default), the input of its last "
        "layer (which it then replaces), or a layer's output",
    )
    what.add_argument(
        "--reconstruction-error",
        action="store_true",
        help="give the head also the mean squared difference of the model's input and output",
    )
    what.add_argument(
        "--standardize",
        choices=("input", "features"),
        action="append",
        default=[],
        help="running mean and variance on the model's input or the head's features",
    )
    what.add_argument(
        "--max-classes",
        type=positive,
        default=0,
        metavar="N",
        help="let new labels add outputs at run time, up to N",
    )
    verb.add_argument(
        "--rounding",
        choices=("single", "double"),
        default="single",
        help="of int8 models: single as LiteRT's reference kernels (default), double as TFLite Micro",
    )
    _add_method(verb)  # fmt: skip


def _add_method(verb: argparse.ArgumentParser) -> None:
    how = verb.add_argument_group("how it learns")
    how.add_argument(
        "--loss",
        choices=("mse", "categorical_crossentropy", "binary_crossentropy"),
        help="default: by the output activation (softmax, sigmoid, else mse)",
    )
    how.add_argument(
        "--rate",
        type=positive_real,
        default=0.01,
        help="learning rate of SGD at the start; the device can change it (default 0.01)",
    )
    how.add_argument(
        "--momentum",
        type=not_negative,
        default=0.0,
        metavar="M",
        help="of SGD, below 1; costs a copy of what learns (default 0)",
    )
    how.add_argument(
        "--weight-decay",
        type=not_negative,
        default=0.0,
        metavar="D",
        help="of SGD, below 1 (default 0)",
    )
    how.add_argument(
        "--accumulate",
        type=positive,
        default=1,
        metavar="N",
        help="one step per N samples; costs a copy of what learns (default 1)",
    )
    how.add_argument(
        "--no-skip-zero-deltas",
        action="store_true",
        help="constant time per sample: do not skip work where a gradient is 0",
    )
    how.add_argument(
        "--adapt",
        choices=("always", "gated", "never"),
        default="always",
        help="learn from every sample, only after a drift, or not yet; the device can change it "
        "(default always)",
    )
    how.add_argument(
        "--arithmetic",
        choices=("float32", "int8"),
        default="float32",
        help="of learning: int8 learns Dense, Conv and pooling layers in integers, for cores "
        "without FPU (default float32)",
    )
    how.add_argument("--guard", action="store_true",
                     help="keep the best weights and roll back to them; costs a copy of what learns")  # fmt: skip


def choices_of(args: argparse.Namespace) -> Choices:
    """The user's choices, checked as far as that needs no model."""
    from tinylearn.errors import UsageError
    from tinylearn.passes.backward import Optimizer
    from tinylearn.passes.head import Head, parse_head
    from tinylearn.pipeline import Choices

    head = None
    if args.head:
        outputs, activation = parse_head(args.head)
        head = Head(
            outputs, activation, args.at, args.reconstruction_error, "features" in args.standardize
        )
    elif args.at != "output" or args.reconstruction_error or "features" in args.standardize:
        raise UsageError("--at, --reconstruction-error and --standardize features belong to --head")
    optimizer = Optimizer(
        args.momentum, args.weight_decay, args.accumulate, not args.no_skip_zero_deltas
    )
    optimizer.check()
    return Choices(args.learn, args.loss, args.rate, optimizer, head, args.max_classes,
                   "input" in args.standardize, args.ram, args.adapt, args.guard,
                   args.arithmetic)  # fmt: skip
