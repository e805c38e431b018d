"""Quantize a Keras model to int8 with representative samples (needs the `train` extra)."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tinylearn.cli.about import add_about_options
from tinylearn.cli.arguments import positive

if TYPE_CHECKING:
    from tinylearn.train.quantize import Quantized

HELP = "turn a Keras model into an int8 TFLite file"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    verb.add_argument("model", help="a .keras file")
    verb.add_argument(
        "--data",
        required=True,
        metavar="FILE",
        help="representative samples: .npz with x and y (and x_test, y_test), or .csv with the "
        "label last",
    )
    verb.add_argument("-o", "--out", required=True, metavar="FILE.tflite", help="file to write")
    verb.add_argument(
        "--io",
        choices=("int8", "float32"),
        default="int8",
        help="type of the model's inputs and outputs (default int8)",
    )
    verb.add_argument(
        "--calibration",
        type=positive,
        default=200,
        metavar="N",
        help="samples that the ranges are taken from (default 200)",
    )
    verb.add_argument(
        "--rdf",
        metavar="FILE.ttl",
        help="where the model's description goes (default: beside it, FILE.tflite.ttl, where "
        "`generate` and `registry import` find it)",
    )
    add_about_options(verb, measured=True)


def execute(args: argparse.Namespace) -> int:
    """Quantizes, compares, prints."""
    from dataclasses import asdict
    from pathlib import Path

    from tinylearn.cli.about import about_of
    from tinylearn.cli.output import note, print_json, progress_bar
    from tinylearn.cli.project import check_writable
    from tinylearn.emit.write import write_file
    from tinylearn.registry.models.beside import beside
    from tinylearn.train.describe import description
    from tinylearn.train.quantize import quantize

    told, rdf = about_of(args), Path(args.rdf) if args.rdf else beside(Path(args.out))
    if args.rdf:
        check_writable(rdf)
    note("quantizing (TensorFlow takes some seconds to start)", args)
    with progress_bar("comparing", args) as advance:
        result = quantize(Path(args.model), Path(args.data), Path(args.out), args.io,
                          args.calibration, advance)  # fmt: skip
    write_file(rdf, description(Path(args.model), Path(args.data), result, told))
    if args.json:
        layers = [{**asdict(layer), "decibels": layer.decibels} for layer in result.layers]
        print_json({**asdict(result), "path": str(result.path), "rdf": str(rdf), "layers": layers})
    else:
        _print(result, args.out, str(rdf))
    return 0


def _print(result: Quantized, out: str, rdf: str) -> None:
    from tinylearn.cli.output import print_table

    rows = [
        (e.layer, f"{e.rms:.4g}", f"{e.rms_error:.4g}", f"{e.decibels:.1f}") for e in result.layers
    ]
    print_table(("layer", ">rms", ">rms error", ">dB"), rows)
    print(
        f"{result.measure} on {result.samples} {result.measured_on} samples: "
        f"{result.score_before:.4g} before, {result.score_after:.4g} after"
    )
    if result.agreement is not None:
        print(f"same decision: {100 * result.agreement:.1f} %")
    print(
        f"{result.bytes:,} B written to {out}, its description to {rdf}; next: tinylearn generate "
        f"{out} -o DIR"
    )
