"""Puts a gateway together from what a user asks for, and serves until it is told to end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from tinylearn.device.client import Device
from tinylearn.device.host import open_device, read_info
from tinylearn.device.stream import in_codes, matched
from tinylearn.device.stream_file import read_stream
from tinylearn.errors import UsageError
from tinylearn.fleet.broker.acl import check_device
from tinylearn.fleet.broker_choice import Place
from tinylearn.fleet.feed import Source, from_stream
from tinylearn.fleet.gateway import Gateway
from tinylearn.fleet.logs import logging_to
from tinylearn.fleet.samples import check_learnable
from tinylearn.fleet.signals import stopped_by_signals
from tinylearn.fleet.transports.mqtt import open_device_link
from tinylearn.targets import find

_log = logging.getLogger(__name__)
_PROJECTS = ("twin", "emulator")


@dataclass(frozen=True)
class GatewayOptions:
    """``device``: twin:PROJECT, emulator:PROJECT or serial:PORT; ``stream``: what it learns from;
    ``free_ram`` in bytes, None: what the target has left."""

    device: str
    place: Place
    name: str | None = None
    stream: Path | None = None
    free_ram: int | None = None
    quiet: bool = False


def bridge(options: GatewayOptions, told: TextIO) -> dict[str, Any]:
    """Serves until SIGINT or SIGTERM, logging to ``told``; what has passed. Raises UsageError, and
    DeviceError where board or broker are not there."""
    kind, folder, name = *_device(options.device), _name(options)
    connect = _connector(options.device, kind, folder)
    source = _source(options.stream, connect, folder) if options.stream else None
    place = options.place
    link = open_device_link(place.url, place.fleet, name, place.credentials)
    gateway = Gateway(name, connect, link, source, free_ram=_free_ram(options, folder))
    stop = threading.Event()
    with logging_to(told, 0, not told.isatty(), options.quiet), stopped_by_signals(stop.set):
        try:
            gateway.start()
            _log.info("%s: %s takes part in fleet %s at %s", name, options.device, place.fleet,
                      place.url)  # fmt: skip
            gateway.serve(stop)
            counts = link.counts.as_dict()
        finally:
            gateway.close()
    return {"device": name, "up": counts.get("sent", 0), "down": counts.get("received", 0)}


def _device(text: str) -> tuple[str, Path | None]:
    """Its kind and, for what is made from one, the project's folder."""
    kind, _, place = text.partition(":")
    if kind not in (*_PROJECTS, "serial") or not place:
        raise UsageError(f"device {text}: there are twin:PROJECT, emulator:PROJECT, serial:PORT")
    return kind, Path(place) if kind in _PROJECTS else None


def _name(options: GatewayOptions) -> str:
    """Whoever the credentials are of: the broker lets nobody speak for another."""
    credentials = options.place.credentials
    if credentials is None and options.name is None:
        raise UsageError("which device is it? give --name, or --credentials")
    name = check_device(options.name or (credentials.user if credentials else ""))
    if credentials is not None and credentials.user != name:
        raise UsageError(f"device {name}: the credentials are those of {credentials.user}")
    return name


def _connector(text: str, kind: str, folder: Path | None) -> Callable[[], Device]:
    if folder is None:
        return lambda: open_device(text, Path())
    return lambda: open_device(kind, folder)


def _source(file: Path, connect: Callable[[], Device], folder: Path | None) -> Source:
    """The file's samples, if the model can learn from them."""
    stream = read_stream(file)
    with connect() as device:
        info = device.info()
    stream = matched(stream, info)
    check_learnable(stream, info)
    return from_stream(in_codes(stream, read_info(folder)["input"]) if folder else stream)


def _free_ram(options: GatewayOptions, folder: Path | None) -> int:
    if options.free_ram is not None or folder is None:
        return options.free_ram or 0
    info = read_info(folder)
    return max(0, find(info["target"]).ram_bytes - int(info["ram_bytes"]))
