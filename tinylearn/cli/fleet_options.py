"""Options and steps that the verbs of a fleet share."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tinylearn.cli.arguments import natural, not_negative

if TYPE_CHECKING:
    from tinylearn.fleet.run_handle import RunHandle

STORE = "fleet.db"
BROKER_DIR = "fleet-broker"


def add_store(verb: argparse.ArgumentParser) -> None:
    """Where the run is, for ``opened``."""
    verb.add_argument("--store", default=STORE, metavar="FILE|postgresql://..",
                      help=f"where the run is kept (default {STORE})")  # fmt: skip
    verb.add_argument("--run", type=natural, metavar="N", help="its number, if not the newest run")


def add_request(verb: argparse.ArgumentParser) -> None:
    """The store, and how long to wait for the coordinator, for ``ask``."""
    add_store(verb)
    verb.add_argument("--wait", type=not_negative, default=5.0, metavar="S",
                      help="seconds to wait for the coordinator; 0: leave the request, do not wait "
                      "(default 5)")  # fmt: skip


def add_device_name(verb: argparse.ArgumentParser) -> None:
    """The positional argument DEVICE."""
    verb.add_argument("device", metavar="DEVICE", help="the device's name")


def add_version(verb: argparse.ArgumentParser, nargs: str | None = None) -> None:
    """The positional argument VERSION."""
    verb.add_argument("version", type=natural, nargs=nargs, metavar="VERSION",
                      help="its number, see `tinylearn fleet status`")  # fmt: skip


def add_broker_dir(verb: argparse.ArgumentParser) -> None:
    """The broker folder."""
    verb.add_argument("--broker-dir", default=BROKER_DIR, metavar="DIR",
                      help="folder with the broker's users and certificates (default "
                      f"{BROKER_DIR})")  # fmt: skip


def add_broker(verb: argparse.ArgumentParser) -> None:
    """Broker, credentials and fleet's name."""
    verb.add_argument("--broker", metavar="mqtts://HOST[:PORT]", help="the broker's address")
    verb.add_argument("--credentials", metavar="FILE",
                      help="who to be to the broker, from `tinylearn fleet enroll` or broker-config; "
                      "or set TINYLEARN_MQTT_USER and _PASSWORD")  # fmt: skip
    verb.add_argument("--fleet", metavar="NAME",
                      help="the fleet's name in topics, if the credentials do not say")  # fmt: skip


@contextmanager
def opened(args: argparse.Namespace) -> Iterator[RunHandle]:
    """The run that the options name."""
    from tinylearn.fleet.run_handle import RunHandle
    from tinylearn.fleet.store import open_store

    store = open_store(args.store, create=False)
    try:
        yield RunHandle(store, store.where, args.run)
    finally:
        store.close()


def ask(args: argparse.Namespace, command: Mapping[str, Any]) -> int:
    """Leaves a request and says what became of it."""
    with opened(args) as handle:
        return ask_of(handle, args, command)


def ask_of_device(args: argparse.Namespace, do: str, **more: Any) -> int:
    """The same about the device of the arguments, which must be known."""
    with opened(args) as handle:
        handle.device(args.device)
        return ask_of(handle, args, {"do": do, "device": args.device, **more})


def ask_of_version(args: argparse.Namespace, do: str, **more: Any) -> int:
    """The same about the version of the arguments, whose weights must be kept."""
    with opened(args) as handle:
        handle.weights(args.version)
        return ask_of(handle, args, {"do": do, "version": args.version, **more})


def ask_of(handle: RunHandle, args: argparse.Namespace, command: Mapping[str, Any]) -> int:
    """Leaves a request; prints whether it is carried out or waits."""
    from tinylearn.cli.output import print_json

    done = handle.ask(command, args.wait)
    if args.json:
        print_json({**command, "run": handle.run.id, "carried_out": done})
    else:
        print(f"run {handle.run.id}: {'carried out' if done else 'left for its coordinator'}")
    return 0
