"""Fuzzes one parser and keeps the smallest input of every crash in build/fuzz/."""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent), str(ROOT / "tests")]

from engine import Parser, fuzz, minimise  # noqa: E402 - found by the path above


def parsers() -> dict[str, type[Parser]]:
    """Each parser by its name; imported here, so that one does not need another's packages."""
    import blob
    import keras_file
    import session
    import tflite

    return {"tflite": tflite.TfliteFile, "keras": keras_file.KerasFile, "blob": blob.WeightsBlob,
            "session": session.Session}  # fmt: skip


def main() -> int:
    """Prints the report; 1 where anything crashed."""
    known = parsers()
    cli = argparse.ArgumentParser(prog="tools/fuzz", description=__doc__)
    cli.add_argument("parser", choices=sorted(known))
    cli.add_argument("--seconds", type=float, default=60)
    cli.add_argument("--seed", type=int, default=0)
    args = cli.parse_args()
    parser = known[args.parser]()
    report = fuzz(parser, args.seconds, args.seed)
    print(f"{args.parser}: {report}")
    folder = ROOT / "build" / "fuzz" / args.parser
    for crash, data in report.crashes.items():
        folder.mkdir(parents=True, exist_ok=True)
        small = minimise(parser, data)
        path = folder / hashlib.sha256(small).hexdigest()[:12]
        path.write_bytes(small)
        print(f"  {crash}: {path} ({len(small)} bytes)")
    return int(bool(report.crashes))


if __name__ == "__main__":
    sys.exit(main())
