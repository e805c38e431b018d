"""Train a small Keras model from a table of samples (needs the `train` extra)."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from tinylearn.cli.arguments import natural, not_negative, positive, positive_real

HELP = "train a small Keras model"

_SHOWN = ("samples", "parameters", "measured_on", "loss", "accuracy")


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    verb.add_argument(
        "data", help=".npz with x and y (and x_test, y_test), or .csv with the label last"
    )
    verb.add_argument("-o", "--out", required=True, metavar="FILE.keras", help="file to write")
    verb.add_argument(
        "--model",
        default="mlp:32",
        metavar="SPEC",
        help="layers and their sizes, such as mlp:32,16 or cnn:8,16 or autoencoder:16,4 "
        "(default mlp:32)",
    )
    verb.add_argument(
        "--epochs", type=positive, default=20, metavar="N", help="passes over the data (default 20)"
    )
    verb.add_argument(
        "--batch", type=positive, default=32, metavar="N", help="samples a step (default 32)"
    )
    verb.add_argument(
        "--rate", type=positive_real, default=1e-3, help="learning rate of Adam (default 0.001)"
    )
    verb.add_argument(
        "--validation",
        type=not_negative,
        default=0.2,
        metavar="SHARE",
        help="of the samples, set apart to measure on (default 0.2)",
    )
    verb.add_argument(
        "--standardize",
        action="store_true",
        help="put a normalisation with the data's mean and variance in front",
    )
    verb.add_argument(
        "--seed",
        type=natural,
        default=0,
        metavar="N",
        help="same seed, same data: same weights (default 0)",
    )


def execute(args: argparse.Namespace) -> int:
    """Trains and saves; prints what was reached."""
    from dataclasses import asdict
    from pathlib import Path

    from tinylearn.cli.output import note, print_json, print_table, progress_bar
    from tinylearn.train.fit import TrainOptions, train

    note("training (TensorFlow takes some seconds to start)", args)
    options = TrainOptions(
        epochs=args.epochs, batch_size=args.batch, learning_rate=args.rate, seed=args.seed,
        validation_split=args.validation, standardize=args.standardize,
    )  # fmt: skip
    with progress_bar("training", args) as advance:

        def epoch(number: int, figures: Mapping[str, float]) -> None:
            assert advance is not None
            advance(number, args.epochs, f", loss {figures['loss']:.3g}")

        told = epoch if advance else None
        result = train(Path(args.data), args.model, Path(args.out), options, told)
    if args.json:
        print_json({**asdict(result), "path": str(result.path)})
        return 0
    figures = {name: getattr(result, name) for name in _SHOWN}
    print_table(
        ("", ">"),
        [(name.replace("_", " "), value) for name, value in figures.items() if value is not None],
    )
    if any(name != str(i) for i, name in enumerate(result.classes)):
        print("labels: " + ", ".join(f"{i} = {name}" for i, name in enumerate(result.classes)))
    print(f"written to {args.out}; next: tinylearn analyze {args.out}")
    return 0
