"""Register devices, models and things from files and folders: Turtle, Thing Descriptions (.jsonld,
.json), models (.tflite, .keras, *_info.json of a project), exported graphs (.trig, .nq). Each file is
registered as a whole or not at all; what was mended is reported."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tinylearn.cli.about import about_of, add_about_options
from tinylearn.cli.registry_options import opened

if TYPE_CHECKING:
    from tinylearn.registry.importing.importer import Report

HELP = "register devices and models from files"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    verb.add_argument("paths", nargs="*", type=Path, metavar="FILE|FOLDER", help="what to read")
    verb.add_argument(
        "--targets", action="store_true", help="the boards and cores that tinylearn knows"
    )
    add_about_options(verb)


def execute(args: argparse.Namespace) -> int:
    """Registers, and prints what was registered, refused and mended."""
    from tinylearn.cli.output import progress
    from tinylearn.errors import BadInputError, UsageError
    from tinylearn.registry.importing.files import all_found
    from tinylearn.registry.importing.importer import Importer
    from tinylearn.registry.importing.targets import prepared_targets
    from tinylearn.registry.matching.current_devices import keep_up

    if not args.paths and not args.targets:
        raise UsageError("nothing to import; name files or folders, or give --targets")
    about = about_of(args)
    files = all_found(args.paths)
    with opened(args, create=True) as store:
        importer = Importer(store, about)
        if args.targets:
            importer.register([prepared_targets()])
        report = importer.add(progress(files, len(files), "reading", args))
        keep_up(store)
    _print(report, args)
    return BadInputError.exit_code if report.refused else 0


def _print(report: Report, args: argparse.Namespace) -> None:
    from dataclasses import asdict

    from tinylearn.cli.output import print_json

    if args.json:
        print_json({
            "registered": [asdict(entry) for entry in report.registered],
            "refused": [asdict(file) for file in report.refused],
            "defects": [defect.as_row() for defect in report.defects],
        })  # fmt: skip
        return
    _print_defects(report, args.verbose)
    for file in report.refused:
        print(f"{file.file}: refused")
        for reason in file.reasons:
            print(f"  {reason}")
    new = sum(entry.is_new for entry in report.registered)
    counts = ", ".join(_counted(kind, n) for kind, n in report.counts().items()) or "nothing"
    known = f"; {new:,} new" if report.registered else ""
    print(f"registered in {args.store}: {counts}{known}")


def _counted(kind: str, count: int) -> str:
    plural = "vocabularies" if kind == "vocabulary" else f"{kind}s"
    return f"{count:,} {kind if count == 1 else plural}"


def _print_defects(report: Report, by_file: bool) -> None:
    from tinylearn.cli.output import print_table
    from tinylearn.registry.seloc.defects import summary

    if not report.defects:
        return
    rows = summary(report.defects, by_file)
    place = ("file",) if by_file else (">files",)
    print_table(
        (*place, "what was wrong", ">times", ">things", "such as", "what was done"),
        [(row.file if by_file else row.files, row.kind, row.count, row.things, _cut(row.example),
          _cut(row.mend or "left as it is")) for row in rows],
    )  # fmt: skip
    print("" if by_file else "-v: by file; --json: each with its subject\n")


def _cut(text: str) -> str:
    """The end of an IRI says more than its beginning."""
    return text if len(text) <= 60 else f"..{text[-58:]}"
