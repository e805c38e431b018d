"""Opens the store, serves it, and closes it whatever happens."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from tinylearn.directory.app import create_app
from tinylearn.directory.server import Server
from tinylearn.directory.settings import Settings
from tinylearn.fleet.signals import stopped_by_signals
from tinylearn.registry.store.open import open_store


def serve(where: str, settings: Settings, started: Callable[[str], None]) -> None:
    """Until SIGINT or SIGTERM; a second one waits for no answer, and raises KeyboardInterrupt. Raises
    what opening the store or the address raises."""
    settings.check()
    with contextlib.closing(open_store(where)) as store:
        app = create_app(store, settings)
        server = Server(app, settings, started)
        with app.state.closing, stopped_by_signals(server.stop, server.hurry):
            server.run()
    if server.force_exit:
        raise KeyboardInterrupt
