"""A real browser, for tests of pages that people look at."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.tools import missing

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

# The browser asks its maker for news and accounts by itself; names but loopback lead nowhere, and what pages ask for is told.
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it stood when all of it was loaded."""

    dom: str
    asked: frozenset[str]  # the hosts that it asked for something
    picture: Path

    @property
    def text(self) -> str:
        """What is to be read, with single spaces."""
        shown = re.sub(r"<(style|script)\b.*?</\1>", " ", self.dom, flags=re.DOTALL)
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", shown)).split())


def look_at(address: str, folder: Path) -> Page:
    """Load a page, and keep what is known of it in a new folder; skips the test where there is no browser."""
    if BROWSER is None:
        missing("there is no browser (Debian: chromium)")
    folder.mkdir()
    command = [
        BROWSER,
        "--headless=new",
        "--no-sandbox",  # which a container rarely allows; only pages of ours are looked at
        "--disable-gpu",
        *QUIET,
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        f"--user-data-dir={folder / 'profile'}",
        f"--log-net-log={folder / 'net.json'}",
        f"--screenshot={folder / 'page.png'}",
        "--window-size=1300,1800",
        "--virtual-time-budget=30000",
        "--dump-dom",
        address,
    ]
    with (folder / "page.html").open("w") as page_file:
        subprocess.run(command, stdout=page_file, stderr=subprocess.DEVNULL, check=True, timeout=150)
    dom = (folder / "page.html").read_text(encoding="utf-8")
    return Page(dom, asked_by_pages(folder / "net.json"), folder / "page.png")


def asked_by_pages(log: Path) -> frozenset[str]:
    """The hosts of all requests that a page made, as the browser logged them; its own requests have no page for initiator."""
    text = log.read_text(encoding="utf-8").rstrip().removesuffix(",")
    logged: dict[str, Any] = json.loads(text if text.endswith("}") else f"{text}]}}")
    asked = [event["params"] for event in logged["events"] if "initiator" in event.get("params", {})]
    of_pages = [request for request in asked if request["initiator"] != "not an origin" and "url" in request]
    return frozenset(str(urlsplit(request["url"]).hostname) for request in of_pages)
