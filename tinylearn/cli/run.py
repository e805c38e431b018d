"""Run a project on a device and feed it a stream: each sample is predicted, then learnt."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from tinylearn.cli.arguments import not_negative
from tinylearn.cli.project import add_device, add_project

if TYPE_CHECKING:
    from pathlib import Path

    from tinylearn.device.blob import Blob
    from tinylearn.device.client import Device
    from tinylearn.device.stream import Stream, StreamReport

HELP = "run on a twin, emulated board or board"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    add_project(verb)
    add_device(verb)
    verb.add_argument(
        "--stream",
        required=True,
        metavar="FILE",
        help=".npz with x and y (class numbers, or n values a sample; none: x is the target), "
        "or .csv with the class number last",
    )
    verb.add_argument(
        "--mode",
        choices=("never", "always", "gated"),
        help="when it learns (default: as generated)",
    )
    verb.add_argument("--rate", type=not_negative, help="learning rate (default: as generated)")
    verb.add_argument(
        "--plot", metavar="FILE.png", help="draw the accuracy (or loss) over the stream"
    )
    verb.add_argument(
        "--save", action="store_true", help="have the device store its weights at the end"
    )
    verb.add_argument("--weights-in", metavar="FILE", help="start from the weights in a file")
    verb.add_argument("--weights-out", metavar="FILE", help="write the weights learnt to a file")


def execute(args: argparse.Namespace) -> int:
    """Streams and reports. Whatever can be wrong with the files is told before it starts."""
    from pathlib import Path

    from tinylearn.cli.output import print_json, progress
    from tinylearn.device.host import open_device, read_info
    from tinylearn.device.stream import collect, in_codes, matched, steps
    from tinylearn.device.stream_file import read_stream

    stream, weights = read_stream(Path(args.stream)), _weights(args.weights_in)
    _check_outputs(args)
    with open_device(args.device, Path(args.project)) as device:
        stream = in_codes(matched(stream, device.info()), read_info(Path(args.project))["input"])
        _prepare(device, weights, args)
        report = collect(progress(steps(device, stream), len(stream), "learning", args))
        _keep(device, args)
        metrics = device.metrics()
    if args.plot:
        _plot(Path(args.plot), report, stream)
    content = _content(report, stream, metrics)
    print_json(content) if args.json else _print(content, args.plot)
    return 0


def _weights(file: str | None) -> Blob | None:
    from pathlib import Path

    from tinylearn.cli.project import read_bytes
    from tinylearn.device.blob import unpack

    return unpack(read_bytes(Path(file)), file) if file is not None else None


def _check_outputs(args: argparse.Namespace) -> None:
    from pathlib import Path

    from tinylearn.cli.project import check_writable
    from tinylearn.report.plots import check_png

    if args.plot:
        check_png(Path(args.plot))
    for file in filter(None, (args.plot, args.weights_out)):
        check_writable(Path(file))


def _prepare(device: Device, weights: Blob | None, args: argparse.Namespace) -> None:
    from tinylearn.device.messages import LearnMode

    if weights is not None:
        device.write_weights(weights)
    if args.mode:
        device.set_mode(LearnMode[args.mode.upper()])
    if args.rate is not None:
        device.set_learning_rate(args.rate)


def _keep(device: Device, args: argparse.Namespace) -> None:
    from pathlib import Path

    from tinylearn.emit.write import write_file

    if args.save:
        device.save()
    if args.weights_out:
        write_file(Path(args.weights_out), device.read_weights().pack())


def _plot(path: Path, report: StreamReport, stream: Stream) -> None:
    from tinylearn.report.plots import save_curves

    if stream.labels is not None:
        save_curves(path, {"last 50 samples": list(report.curve())}, "accuracy")
    else:
        save_curves(path, {"loss": report.losses}, "loss before learning")


def _content(report: StreamReport, stream: Stream, metrics: Any) -> dict[str, Any]:
    quarter = max(len(stream) // 4, 1)
    classified = stream.labels is not None
    counts = sorted(count for count in report.instructions if count)
    return {
        "samples": len(stream),
        "learned": report.learned,
        "refused": report.refused,
        "unknown_labels": report.unknown_labels,
        "drifts_at": report.drifts,
        "accuracy": report.accuracy() if classified else None,
        "accuracy_first_quarter": report.accuracy(0, quarter) if classified else None,
        "accuracy_last_quarter": report.accuracy(-quarter) if classified else None,
        "mean_loss": metrics.mean_loss,
        "recent_loss": metrics.recent_loss,
        "classes": metrics.classes,
        "instructions_per_learned_sample": counts[len(counts) // 2] if counts else None,
        "stack_bytes": report.stack_bytes or None,
    }


def _print(content: dict[str, Any], plot: str | None) -> None:
    from tinylearn.cli.output import print_table

    rows = [(k.replace("_", " "), v) for k, v in content.items() if v is not None and v != []]
    print_table(("", ">"), rows)
    if plot:
        print(f"curve: {plot}")
