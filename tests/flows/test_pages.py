"""What a person sees in Prefect's user interface, in a real browser, and that nobody else is told of it."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.tools import missing

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HOSTILE = "<img src=http:x.example>![x](y).txt"

# The browser asks its maker for news and accounts by itself; names but loopback lead nowhere, and what pages ask for is told.
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")


def look_at(address: str, folder: Path) -> tuple[str, set[str]]:
    """What is to be read on a page, and the hosts that it asked for something; `folder` gets a picture of it."""
    folder.mkdir()
    command = [
        str(BROWSER),
        "--headless=new",
        "--no-sandbox",
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
    page = (folder / "page.html").read_text(encoding="utf-8")
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split()), asked_by_pages(folder / "net.json")


def asked_by_pages(log: Path) -> set[str]:
    """The hosts of all requests that have a page of ours as their initiator, as the browser logged them."""
    text = log.read_text(encoding="utf-8").rstrip().removesuffix(",")
    logged: dict[str, Any] = json.loads(text if text.endswith("}") else f"{text}]}}")
    asked = [event["params"] for event in logged["events"] if "initiator" in event.get("params", {})]
    of_ours = [request for request in asked if "127.0.0.1" in request["initiator"] and "url" in request]
    return {str(urlsplit(request["url"]).hostname) for request in of_ours}


def test_a_person_can_read_what_a_run_did(
    tmp_path: Path, user: dict[str, str], raw: Path, write_story: Callable[[str], Path]
) -> None:
    """The run's page and its artifacts show the counts; a file's name is shown, not obeyed; no request leaves the machine."""
    from flows import environment
    from flows.local_server import local_server

    if BROWSER is None:
        missing("there is no browser (Debian: chromium)")
    write_story("mill")
    (raw / HOSTILE.replace("/", "")).touch()
    home = tmp_path / "prefect"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.missing_settings({}, home, tmp_path).items():
            patch.setenv(name, value)
        with local_server(home, scheduler=True) as address:
            subprocess.run(
                [Path(sys.executable).with_name("pipeline"), "run", "--runner", "thread"],
                cwd=tmp_path,
                env=os.environ | {"PREFECT_API_URL": f"{address}/api"},
                check=True,
                timeout=150,
            )
            (run,) = httpx.post(f"{address}/api/flow_runs/filter", json={}, trust_env=False).json()
            found = httpx.post(f"{address}/api/artifacts/filter", json={}, trust_env=False).json()
            artifacts = {artifact["key"]: f"{address}/artifacts/artifact/{artifact['id']}" for artifact in found}
            pages = {"run": f"{address}/runs/flow-run/{run['id']}", **artifacts}
            seen = {name: look_at(page, tmp_path / name) for name, page in pages.items()}

    assert {host for _, hosts in seen.values() for host in hosts} == {"127.0.0.1"}
    assert run["name"] in seen["run"][0]
    assert "Records outcome this run article 1" in seen["clean-raw-run"][0]
    assert f"{HOSTILE}#1 empty" in seen["clean-raw-run"][0]
    assert f"{HOSTILE}#1 empty" in seen["clean-raw-rejections"][0]
    assert "1 of 1 shards cleaned, 2 records" in seen["clean-raw-progress"][0]
    assert all((tmp_path / name / "page.png").stat().st_size > 10_000 for name in pages)
