"""Boards saved as one file, opened from disk in a browser without a network."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, expect

WAIT_MS = 20_000
SIZE = {"width": 1300, "height": 860}


@dataclass
class Diary:
    """What a page complained of, and whom it asked."""

    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Follows a page from now on."""
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("dialog", lambda dialog: (self.said.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: self.asked.append(request.url))

    def _hear(self, message: Any) -> None:
        if message.type == "error":
            self.said.append(message.text)

    def strangers(self) -> list[str]:
        """Addresses outside of the file itself."""
        own = ("file:", "data:", "blob:")
        return [url for url in self.asked if not url.startswith(own)]


@contextlib.contextmanager
def saved_page(chrome: Browser, path: Path, **options: Any) -> Iterator[tuple[Page, Diary]]:
    """Opens a saved board; at the end the page must have been quiet.

    Options: ``panel`` and ``theme`` as the file's address takes them, ``size`` of the window.
    """
    size = options.pop("size", SIZE)
    context = chrome.new_context(viewport=size, offline=True, accept_downloads=True)
    context.set_default_timeout(WAIT_MS)
    diary = Diary()
    page = context.new_page()
    diary.watch(page)
    page.goto(f"file://{path}" + (f"#{urlencode(options)}" if options else ""))
    expect(page.get_by_test_id("board")).to_have_attribute("data-revision", ANY, timeout=WAIT_MS)
    page.evaluate(STILL)
    try:
        yield page, diary
    finally:
        context.close()
    assert diary.said == []
    assert diary.strangers() == []


ANY = re.compile(r"\d+")
# A few frames, so that what was painted last is on screen.
STILL = """() => new Promise(done => {
  let frames = 6;
  const next = () => frames-- ? requestAnimationFrame(next) : done();
  next(); })"""
