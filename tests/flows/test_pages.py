"""What a person sees in Prefect's user interface, in a real browser, and that nobody else is told of it."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from flows.runners import RunnerName
from tests.tools import missing

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


@pytest.mark.timeout(400)
def test_a_person_can_read_what_a_run_did(
    prefect_api: str, tmp_path: Path, raw: Path, clean: Path, write_story: Callable[[str], Path]
) -> None:
    """The run's page and its artifacts show the counts; a file's name is shown, not obeyed; no request leaves the machine."""
    from flows.clean_raw import clean_raw

    if BROWSER is None:
        missing("there is no browser (Debian: chromium)")
    write_story("mill")
    (raw / HOSTILE.replace("/", "")).touch()
    state = clean_raw(raw, clean, runner=RunnerName.THREAD, return_state=True)
    of_run = {"flow_runs": {"id": {"any_": [str(state.state_details.flow_run_id)]}}}
    (run,) = httpx.post(f"{prefect_api}/flow_runs/filter", json=of_run, trust_env=False).json()
    found = httpx.post(f"{prefect_api}/artifacts/filter", json=of_run, trust_env=False).json()
    address = prefect_api.removesuffix("/api")
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
