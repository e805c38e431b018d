"""Fuzzes one parser and keeps the smallest input of every crash in build/fuzz/.

Guided by coverage where atheris is installed (``pip install '.[fuzz]'``), by new errors elsewhere.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent), str(ROOT / "tests")]

import guided  # noqa: E402 - found by the path above
from engine import Parser, Report, fuzz, minimise  # noqa: E402


def parsers() -> dict[str, type[Parser]]:
    """Each parser by its name; imported here, so that one does not need another's packages."""
    import blob
    import fleet
    import graph_file
    import keras_file
    import session
    import sparql
    import stream_file
    import tflite
    import thing

    return {"tflite": tflite.TfliteFile, "keras": keras_file.KerasFile, "blob": blob.WeightsBlob,
            "session": session.Session, "graph": graph_file.GraphFile,
            "samples": stream_file.SampleFile, "fleet": fleet.FleetMessages, "td": thing.ThingText,
            "sparql": sparql.SparqlQuery}  # fmt: skip


def keep(folder: Path, found: dict[str, bytes]) -> list[Path]:
    """Writes inputs under names that their content decides on."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / hashlib.sha256(data).hexdigest()[:12] for data in found.values()]
    for path, data in zip(paths, found.values(), strict=True):
        path.write_bytes(data)
    return paths


def main() -> int:
    """Prints the report; 1 where anything crashed."""
    known = parsers()
    cli = argparse.ArgumentParser(prog="tools/fuzz", description=__doc__)
    cli.add_argument("parser", choices=sorted(known))
    cli.add_argument("--seconds", type=float, default=60)
    cli.add_argument("--seed", type=int, default=0)
    cli.add_argument("--unguided", action="store_true", help="without atheris even if it is there")
    args = cli.parse_args()
    parser, folder = known[args.parser](), ROOT / "build" / "fuzz" / args.parser
    report: Report
    if guided.available() and not args.unguided:
        report = guided.fuzz(args.parser, args.seconds, args.seed, folder)
    else:
        report = fuzz(parser, args.seconds, args.seed)
    print(f"{args.parser}: {report}")
    keep(folder / "errors", report.errors)
    crashes = {crash: minimise(parser, data) for crash, data in report.crashes.items()}
    for crash, path in zip(crashes, keep(folder / "crashes", crashes), strict=True):
        print(f"  {crash}: {path} ({path.stat().st_size} bytes)")
    return int(bool(crashes))


if __name__ == "__main__":
    sys.exit(main())
