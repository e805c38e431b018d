"""Train a small Keras model from a table of samples (needs the `train` extra)."""

from __future__ import annotations

import argparse

HELP = "train a small Keras model"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    verb.add_argument("data", help=".npz with x and y (and x_test, y_test), or .csv with the label last")
    verb.add_argument("-o", "--out", required=True, metavar="FILE.keras", help="file to write")
    verb.add_argument("--model", default="mlp:32", metavar="SPEC",
                      help="mlp:32,16  cnn:8,16  autoencoder:16,4 (default mlp:32)")
    verb.add_argument("--epochs", type=int, default=20)
    verb.add_argument("--batch", type=int, default=32)
    verb.add_argument("--rate", type=float, default=1e-3, help="learning rate of Adam (default 0.001)")
    verb.add_argument("--seed", type=int, default=0)  # fmt: skip


def execute(args: argparse.Namespace) -> int:
    """Trains and saves; prints what was reached."""
    from pathlib import Path

    from tinylearn.cli.output import note, print_json
    from tinylearn.train.fit import TrainOptions, train

    note("training (TensorFlow takes some seconds to start)", args)
    options = TrainOptions(epochs=args.epochs, batch_size=args.batch, learning_rate=args.rate, seed=args.seed)
    result = train(Path(args.data), args.model, Path(args.out), options)
    if args.json:
        print_json(result.as_json())
    else:
        print(result.summary())
        print(f"written to {args.out}; next: tinylearn analyze {args.out}")
    return 0
