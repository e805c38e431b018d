"""Which model runs on which device, and why not: one device, one model, both, or all with all.

Names are titles, IRIs or ends of IRIs. The best come first: by accuracy, then RAM left, then energy.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tinylearn.cli.arguments import positive
from tinylearn.cli.registry_matching import add_match_options
from tinylearn.cli.registry_options import opened

if TYPE_CHECKING:
    from tinylearn.registry.matching.index import Asked, Index, Matrix
    from tinylearn.registry.matching.match import Match
    from tinylearn.registry.matching.ranking import Ranking
    from tinylearn.registry.store.base import GraphStore

HELP = "ask which model fits which device, and why not"

_TOP = 20
#: devices that a table has columns for
_COLUMNS = 24
#: of the matrix as JSON
_PAIRS = 2_000_000


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    verb.add_argument("--model", metavar="NAME", help="this model alone")
    verb.add_argument("--device", metavar="NAME", help="this device alone")
    add_match_options(verb)
    verb.add_argument(
        "--by",
        choices=("accuracy", "ram", "energy"),
        default="accuracy",
        help="what counts first (default accuracy)",
    )
    verb.add_argument(
        "--top", type=positive, default=_TOP, metavar="N", help=f"lines shown (default {_TOP})"
    )
    verb.add_argument("--why", action="store_true", help="all reasons of every pair of the matrix")


def execute(args: argparse.Namespace) -> int:
    """Matches and prints."""
    from tinylearn.registry.matching.index import Asked, Index
    from tinylearn.registry.matching.ranking import By
    from tinylearn.registry.matching.resolve import DEVICE, MODEL, resolve
    from tinylearn.registry.models.facts import Mode

    asked = Asked(Mode(args.mode), By(args.by), args.allow_soft_float)
    with opened(args, read_only=True) as store:
        device = None if args.device is None else resolve(store, DEVICE, args.device)
        model = None if args.model is None else resolve(store, MODEL, args.model)
        index = Index.load(store, device, model)
        if device and model:
            return _pair(args, store, index.pair(device, model, asked))
        if model:
            return _row(args, store, model, index.devices_for(model, asked), "device")
        if device:
            return _row(args, store, device, index.models_for(device, asked), "model")
        return _matrix(args, store, index, asked)


def _pair(args: argparse.Namespace, store: GraphStore, found: Match) -> int:
    from tinylearn.cli.output import plain, print_json, print_table
    from tinylearn.cli.registry_matching import as_json, left, scaled, size
    from tinylearn.registry.matching.resolve import labels

    if args.json:
        print_json(as_json(found))
        return 0
    named, need = labels(store, [found.device, found.model]), found.need
    model, device = named[found.model], named[found.device]
    print(plain(f"{model} on {device}, {found.mode}: {'fits' if found.fits else 'does not fit'}"))
    rows = [("", reason) for reason in (*found.reasons, *found.warnings)]
    rows += [
        ("RAM", f"{size(need.ram_bytes)} needed, {left(found.ram_left)}"),
        ("flash", f"{size(need.flash_bytes)} needed, {left(found.flash_left)}"),
    ] if need else []  # fmt: skip
    rows += [(name, text) for name, text in (
        ("accuracy", "" if found.accuracy is None else f"{found.accuracy:.3f}"),
        ("time", scaled(found.seconds, "s")), ("energy", scaled(found.joules, "J")),
    ) if text]  # fmt: skip
    print_table(("", ""), rows)
    return 0


def _row(args: argparse.Namespace, store: GraphStore, of: str, found: Ranking, other: str) -> int:
    from tinylearn.cli.output import plain, print_json, print_table
    from tinylearn.cli.registry_matching import as_json, check, scaled, size, why
    from tinylearn.registry.matching.resolve import labels

    shown = found[: args.top]
    named = labels(store, [of, *(getattr(one, other) for one in shown)])
    if args.json:
        print_json({other + "s": len(found), "fitting": found.fitting,
                    "matches": [{**as_json(one), "label": named[getattr(one, other)]}
                                for one in shown]})  # fmt: skip
        return 0
    columns = ("", other, ">accuracy", ">RAM left", ">flash left", ">time", ">energy", "why not")
    print_table(
        columns if other == "model" else (*columns[:2], *columns[3:]),
        [_cells(check() if one.fits else "", named, one, other,
                (size(one.ram_left), size(one.flash_left), scaled(one.seconds, "s"),
                 scaled(one.joules, "J"), why(one))) for one in shown],
    )  # fmt: skip
    more = f"; --top {len(found)} shows all" if len(found) > len(shown) else ""
    print(
        plain(f"{named[of]}: {found.fitting:,} of {len(found):,} {other}s fit, {args.mode}{more}")
    )
    return 0


def _cells(
    mark: str, named: dict[str, str], one: Match, other: str, rest: tuple[str, ...]
) -> tuple[object, ...]:
    name = getattr(one, other)
    accuracy = ("" if one.accuracy is None else f"{one.accuracy:.3f}",)
    return (mark, named[name], *(accuracy if other == "model" else ()), *rest)


def _matrix(args: argparse.Namespace, store: GraphStore, index: Index, asked: Asked) -> int:
    from tinylearn.cli.output import print_json
    from tinylearn.cli.registry_matching import as_json
    from tinylearn.errors import UsageError
    from tinylearn.registry.matching.resolve import labels

    found = index.matrix(asked)
    if args.json and found.fits.size > _PAIRS:
        raise UsageError(
            f"{found.fits.size:,} pairs are too many for one JSON value; ask with --model or --device"
        )
    named = labels(store, [*found.devices, *found.models])
    if args.json:
        pairs = [as_json(index.pair(d, m, asked)) for d in found.devices for m in found.models
                 if args.why]  # fmt: skip
        print_json({
            "mode": args.mode, "fitting": int(found.fits.sum()),
            "devices": [{"iri": iri, "label": named[iri]} for iri in found.devices],
            "models": [{"iri": iri, "label": named[iri]} for iri in found.models],
            "fits": found.fits.tolist(), **({"pairs": pairs} if args.why else {}),
        })  # fmt: skip
        return 0
    if not found.fits.size:
        print(f"{len(found.devices):,} devices and {len(found.models):,} models are registered: "
              "nothing to match; tinylearn registry import registers more")  # fmt: skip
        return 0
    _print_matrix(index, asked, found, named)
    if args.why:
        _print_reasons(index, asked, found, named)
    return 0


def _print_matrix(index: Index, asked: Asked, found: Matrix, named: dict[str, str]) -> None:
    from tinylearn.cli.output import print_table
    from tinylearn.cli.registry_matching import legend, mark

    on, shown = found.fits.sum(axis=0), found.devices[:_COLUMNS]
    columns = ("model", *(str(1 + d) for d in range(len(shown))), ">fits on")
    print_table(columns, [
        (named[m], *(mark(index.pair(d, m, asked)) for d in shown), int(on[at]))
        for at, m in enumerate(found.models)
    ])  # fmt: skip
    print()
    fitting = found.fits.sum(axis=1)
    print_table((">", "device", ">models that fit"),
                [(str(1 + at), named[d], int(fitting[at])) for at, d in enumerate(shown)])  # fmt: skip
    left = len(found.devices) - len(shown)
    print(f"{legend()}{f'; {left:,} more devices are counted only' if left else ''}")
    print(f"{int(found.fits.sum()):,} of {found.fits.size:,} pairs fit, {asked.mode}")


def _print_reasons(index: Index, asked: Asked, found: Matrix, named: dict[str, str]) -> None:
    from tinylearn.cli.output import plain
    from tinylearn.cli.registry_matching import why

    for at, device in enumerate(found.devices):
        print(f"\n{plain(named[device])}")
        for m, model in enumerate(found.models):
            if not found.fits[at, m]:
                print(plain(f"  {named[model]}: {why(index.pair(device, model, asked))}"))
