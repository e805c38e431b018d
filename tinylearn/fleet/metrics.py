"""Metrics for Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/).

The service's thread leaves a snapshot; scrapes read the last one and nothing that is alive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tinylearn.errors import DeviceError, MissingToolError
from tinylearn.fleet.observers import Observer
from tinylearn.fleet.round_watch import RoundEnd
from tinylearn.fleet.snapshot import Snapshot

_PREFIX = "tinylearn_fleet_"
#: first word of a machine's counter: (name of the metric, label that the rest of it is)
_LABELLED = {
    "updates": ("updates", "verdict"),
    "rounds": ("rounds", "result"),
    "refusal": ("refusals", "fault"),
}
_COUNTERS = (
    "messages", "malformed", "foreign", "duplicate", "tasks", "reminders", "given up", "silent",
    "head moved", "store failures", "updates accepted", "rounds closed", "rounds void",
)  # fmt: skip
_ROUND_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)
_COMMIT_SECONDS = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)


class Metrics(Observer):
    """A registry of its own, served by HTTP between ``start`` and ``close``. ``labels`` (such as
    run and shard) are those of ``tinylearn_fleet_info``."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        """Raises MissingToolError without prometheus_client."""
        try:
            from prometheus_client import CollectorRegistry, Histogram
        except ImportError:
            raise MissingToolError(
                "metrics need prometheus_client: pip install 'tinylearn[fleet]'"
            ) from None
        self.registry = CollectorRegistry()
        self._labels = dict(labels)
        self._snapshot: Snapshot | None = None
        self._server: Any = None
        self._rounds = Histogram(_PREFIX + "round_seconds", "How long rounds took",
                                 registry=self.registry, buckets=_ROUND_SECONDS)  # fmt: skip
        self._commits = Histogram(_PREFIX + "commit_seconds", "How long transactions took",
                                  registry=self.registry, buckets=_COMMIT_SECONDS)  # fmt: skip
        self.registry.register(self)

    # ---- from the service's thread ----

    def round_ended(self, end: RoundEnd) -> None:
        """Into the histogram."""
        self._rounds.observe(end.seconds)

    def committed(self, seconds: float) -> None:
        """Into the histogram."""
        self._commits.observe(seconds)

    def looked(self, snapshot: Snapshot) -> None:
        """What the next scrapes tell."""
        self._snapshot = snapshot

    # ---- for scrapes ----

    def start(self, port: int, host: str = "127.0.0.1") -> str:
        """Listens; gives the address. Raises DeviceError where the port is taken."""
        from prometheus_client import start_http_server

        try:
            self._server, _ = start_http_server(port, host, self.registry)
        except OSError as error:
            raise DeviceError(
                f"metrics: cannot listen at {host}:{port} ({error.strerror}); choose another "
                "--metrics-port"
            ) from None
        return f"http://{host}:{self._server.server_port}/metrics"

    def close(self) -> None:
        """Stops listening; a second call does nothing."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def collect(self) -> Iterator[Any]:
        """For the registry."""
        from prometheus_client.core import InfoMetricFamily

        yield InfoMetricFamily(_PREFIX + "run", "What is learnt", value=self._labels)
        snapshot = self._snapshot
        if snapshot is not None:
            yield from _counters(snapshot.counters)
            yield from _by_label("transport", "what", "Of the transport", snapshot.transport)
            yield from _gauges(snapshot)


def _counters(counters: Mapping[str, int]) -> Iterator[Any]:
    """Those that have not counted yet are 0, so that rates start with the first."""
    plain: dict[str, int] = {}
    families: dict[tuple[str, str], dict[str, int]] = {}
    for name, value in sorted({**dict.fromkeys(_COUNTERS, 0), **counters}.items()):
        first, _, rest = name.partition(" ")
        if first in _LABELLED and rest:
            families.setdefault(_LABELLED[first], {})[rest] = value
        else:
            plain[name] = value
    for (family, label), values in families.items():
        yield from _by_label(family, label, f"Of the coordinator, by {label}", values)
    for name, value in plain.items():
        yield _counter(re.sub(r"\W", "_", name), value)


def _counter(name: str, value: int) -> Any:
    from prometheus_client.core import CounterMetricFamily

    return CounterMetricFamily(_PREFIX + name, "Of the coordinator", value=value)


def _by_label(name: str, label: str, said: str, values: Mapping[str, int]) -> Iterator[Any]:
    from prometheus_client.core import CounterMetricFamily

    family = CounterMetricFamily(_PREFIX + name, said, labels=[label])
    for value, count in sorted(values.items()):
        family.add_metric([value], count)
    yield family


def _gauges(snapshot: Snapshot) -> Iterator[Any]:
    from prometheus_client.core import GaugeMetricFamily

    devices = GaugeMetricFamily(_PREFIX + "devices", "Devices by state", labels=["state"])
    for state, count in snapshot.devices.items():
        devices.add_metric([state], count)
    yield devices
    oldest = max((opened.age for opened in snapshot.open_rounds), default=0.0)
    for name, said, value in (
        ("open_rounds", "Rounds under way", len(snapshot.open_rounds)),
        ("round_age_seconds", "Age of the oldest round under way", oldest),
        ("last_round", "Number of the newest round", snapshot.last_round),
        ("head_version", "Number of the newest version", snapshot.head),
        ("paused", "1: opens no further rounds", int(snapshot.paused)),
        ("connected", "1: messages pass", int(snapshot.connected)),
    ):
        yield GaugeMetricFamily(_PREFIX + name, said, value=value)
