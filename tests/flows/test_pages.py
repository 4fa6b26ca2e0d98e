"""What a person sees in Prefect's user interface, in a real browser, and that nobody else is told of it."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from flows.runners import RunnerName
from tests.browser import look_at

HOSTILE = "<img src=http:x.example>![x](y).txt"


@pytest.mark.timeout(400)
def test_a_person_can_read_what_a_run_did(
    prefect_api: str, tmp_path: Path, raw: Path, clean: Path, write_story: Callable[[str], Path]
) -> None:
    """The run's page and its artifacts show the counts; a file's name is shown, not obeyed; no request leaves the machine."""
    from flows.clean_raw import clean_raw

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

    assert {host for page in seen.values() for host in page.asked} == {"127.0.0.1"}
    assert run["name"] in seen["run"].text
    assert "Records outcome this run article 1" in seen["clean-raw-run"].text
    assert f"{HOSTILE}#1 empty" in seen["clean-raw-run"].text
    assert f"{HOSTILE}#1 empty" in seen["clean-raw-rejections"].text
    assert "1 of 1 shards cleaned, 2 records" in seen["clean-raw-progress"].text
    assert all(page.picture.stat().st_size > 10_000 for page in seen.values())
