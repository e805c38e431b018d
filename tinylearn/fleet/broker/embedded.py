"""A broker inside this process, for trying a fleet out on one machine without installing one.

Not for a fleet in earnest: it is Python (amqtt, MQTT 3.1.1), keeps everything in memory, and
forgets what a client did not acknowledge within seconds, so that a killed coordinator gets nothing
again but what the devices repeat. It listens on loopback alone, by TLS or not; users and rules are those
of the same folder that Mosquitto would run from.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import ssl
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path

from tinylearn.errors import DeviceError, MissingToolError, UsageError
from tinylearn.fleet.broker.settings import Settings
from tinylearn.fleet.transports.broker_url import BrokerUrl
from tinylearn.fleet.transports.counts import Counts

_PLUGIN = "tinylearn.fleet.broker.embedded_plugin.AccessPlugin"
_START_SECONDS = 20.0
_CLOSE_SECONDS = 2.0


class EmbeddedBroker:
    """Runs in a thread of its own between ``start`` and ``close``; a context manager, too."""

    def __init__(self, folder: Path, port: int = 0, tls: bool = True) -> None:
        """``folder``: from write_broker_config. ``port`` 0 takes any that is free. Raises
        UsageError where the folder is not a broker's, MissingToolError without amqtt."""
        try:
            import amqtt.broker  # noqa: F401
        except ImportError:
            raise MissingToolError(
                "the embedded broker needs amqtt: pip install 'tinylearn[fleet]'"
            ) from None
        self._settings = Settings.load(folder)
        self._folder, self._port, self._tls = folder, port, tls
        self._started = threading.Event()
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._problem: Exception | None = None
        self.counts = Counts()

    @property
    def url(self) -> str:
        """Where it listens, once started."""
        return str(BrokerUrl("127.0.0.1", self._port, self._tls))

    def start(self) -> EmbeddedBroker:
        """Returns when it listens. Raises DeviceError where it cannot."""
        if self._thread is not None:
            raise UsageError("the embedded broker runs already")
        self._thread = threading.Thread(target=self._run, name="embedded broker", daemon=True)
        self._thread.start()
        if not self._started.wait(_START_SECONDS) or self._problem is not None:
            raise DeviceError(f"embedded broker: {self._reason()}")
        return self

    def _reason(self) -> str:
        if isinstance(self._problem, OSError) and self._problem.errno == errno.EADDRINUSE:
            return (
                f"cannot listen at 127.0.0.1:{self._port} (address already in use); does another "
                "coordinator serve there? a --broker-dir of its own takes a --port of its own"
            )
        return f"cannot start ({self._problem or 'no answer'})"

    def close(self) -> None:
        """Ends all connections; a second call does nothing."""
        if self._loop is not None and self._stop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            self._thread.join(2 * _CLOSE_SECONDS)

    def is_alive(self) -> bool:
        """Whether it serves."""
        return self._thread is not None and self._thread.is_alive() and self._problem is None

    def __enter__(self) -> EmbeddedBroker:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            self._problem = error
            if self._started.is_set():
                logging.getLogger(__name__).exception("embedded broker: ended by an error")
        finally:
            self._started.set()

    def _context(self) -> ssl.SSLContext | None:
        if not self._tls:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._folder / "server.pem", self._folder / "server.key")
        if self._settings.client_certificates:
            context.load_verify_locations(self._folder / "ca.pem")
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    async def _serve(self) -> None:
        from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType

        from tinylearn.fleet.broker.embedded_gate import serve
        from tinylearn.fleet.broker.embedded_plugin import FilteredBroker

        # they tell of each client that goes away, with tracebacks
        for chatty in ("amqtt", "transitions"):
            logging.getLogger(chatty).setLevel(logging.CRITICAL)
        listener = ListenerConfig(type=ListenerType.EXTERNAL)
        plugins = {_PLUGIN: {"folder": str(self._folder)}}
        broker = FilteredBroker(BrokerConfig({"default": listener}, plugins=plugins))
        access = broker.plugins_manager.get_plugin("AccessPlugin").access
        self._loop, self._stop, self.counts = (
            asyncio.get_running_loop(), asyncio.Event(), access.counts
        )  # fmt: skip
        await broker.start()
        server = await asyncio.start_server(
            partial(serve, broker, access), "127.0.0.1", self._port, ssl=self._context()
        )
        self._port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stop.wait()
        server.close()
        # it may wait for ever for a client that goes away at the same time
        with suppress(TimeoutError):
            await asyncio.wait_for(broker.shutdown(), _CLOSE_SECONDS)
