"""What a run leaves in Prefect: a page, a table of rejections, warnings, and events that automations can act on."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from flows.runners import RunnerName
from pipeline.report import RunReport
from pipeline.store import history

pytestmark = pytest.mark.usefixtures("prefect_api")

SITE = "news.example.org"
PROSE = "In {place} the council met to discuss the harbour wall, and member number {number} left early.\n\n"


def bring(raw: Path, first: int, last: int, furniture: int) -> None:
    """Articles of one site, each with that many lines of furniture."""
    for number in range(first, last):
        path = raw / SITE / f"{number}.txt"
        path.parent.mkdir(exist_ok=True)
        prose = "".join(PROSE.format(place=f"Ferry {number}", number=line) for line in range(6))
        path.write_text(prose + "Share this article\n\n" * furniture, encoding="utf-8")


def run_flow(raw: Path, clean: Path) -> RunReport:
    from flows.clean_raw import clean_raw

    report = clean_raw(raw, clean, runner=RunnerName.THREAD)
    assert isinstance(report, RunReport)
    return report


def events_of(name: str, run_id: str) -> list[dict[str, Any]]:
    """The events of this name that the server has, once what is queued was sent."""
    from prefect.client.orchestration import get_client
    from prefect.events.worker import EventsWorker

    EventsWorker.drain_all(timeout=10, at_exit=False)
    deadline = time.monotonic() + 30
    found: list[dict[str, Any]] = []
    with get_client(sync_client=True) as client:
        while not found and time.monotonic() < deadline:
            answer = client._client.post("/events/filter", json={"filter": {"event": {"name": [name]}}})
            found = [event for event in answer.json()["events"] if event["payload"]["run_id"] == run_id]
            time.sleep(0.2)
    return found


def test_a_run_without_anything_to_tell_leaves_a_page_only(raw: Path, clean: Path) -> None:
    """The table and the warnings of an earlier run are not repeated."""
    from prefect.artifacts import Artifact

    from flows.artifacts import REJECTIONS_KEY, REPORT_KEY, WARNINGS_KEY

    bring(raw, 0, 1, furniture=1)

    report = run_flow(raw, clean)

    page = Artifact.get(REPORT_KEY)
    assert page is not None
    assert isinstance(page.data, str)
    assert report.run_id in page.data
    for key in (REJECTIONS_KEY, WARNINGS_KEY):
        other = Artifact.get(key)
        assert other is None or report.run_id not in str(other.description)


def test_a_site_that_changed_is_warned_of_by_an_artifact_and_an_event(raw: Path, clean: Path) -> None:
    """Rejections are a table, and an automation can tell the site, the store and what changed."""
    from prefect.artifacts import Artifact

    from flows.artifacts import EVENT, REJECTIONS_KEY, WARNINGS_KEY
    from flows.environment import store_name

    bring(raw, 0, 15, furniture=1)
    run_flow(raw, clean)
    bring(raw, 15, 20, furniture=40)
    (raw / "<b>.txt").touch()

    report = run_flow(raw, clean)

    assert [warning.site for warning in report.sites.warnings] == [SITE]
    table, warnings = Artifact.get(REJECTIONS_KEY), Artifact.get(WARNINGS_KEY)
    assert table is not None
    assert [row["source"] for row in json.loads(str(table.data))] == [r"\<b\>.txt#1"]
    assert warnings is not None
    assert SITE in str(warnings.data)
    (event,) = events_of(f"{EVENT}.more-removed", report.run_id)
    assert event["resource"]["prefect.resource.id"] == f"{EVENT}.{SITE}"
    assert event["resource"][f"{EVENT}.store"] == store_name(clean)
    assert event["payload"]["now"] > event["payload"]["before"] + 0.15
    assert any(related["prefect.resource.role"] == "flow-run" for related in event["related"])
    assert history(clean)[0] == report
