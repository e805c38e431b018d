"""A headless Chromium of this machine, never a downloaded one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

PROGRAMS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")


@contextmanager
def chromium() -> Iterator[Any]:
    """Skips the test where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    program = next((path for path in PROGRAMS if shutil.which(path)), None)
    if program is None:
        pytest.skip("needs Debian's chromium")
    sandbox = [] if os.getuid() else ["--no-sandbox"]
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=[*sandbox, "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@contextmanager
def tab(browser: Any, **options: Any) -> Iterator[Any]:
    """A page of its own, without history or storage; fails where a script of it does, or where the
    policy of the page stops something."""
    context = browser.new_context(**options)
    context.set_default_timeout(15_000)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: "Content Security" in said.text and wrong.append(said.text))
    page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss())[0])
    yield page
    context.close()
    assert not wrong
