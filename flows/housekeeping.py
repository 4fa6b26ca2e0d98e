"""
What keeps a Prefect server fit for years: old runs are forgotten, and runs whose process is gone are noticed.

A server that runs all the time forgets runs by itself, as `flows/environment.py` and `prefect.toml` tell it. The short-lived
one that `pipeline run` starts where none is configured lives too shortly for that, so a run does it at its end.
"""

from datetime import UTC, datetime, timedelta

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterEndTime,
)
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.settings import get_current_settings

from flows.clean_raw import clean_raw

KEPT = timedelta(days=90)
"""As long as a server keeps runs (`server.services.db_vacuum.retention_period`)."""

RUNS_AT_ONCE = 200
"""What a run forgets at most: it adds one, so the number falls, and nobody waits long after an upgrade."""

ZOMBIES = "article-pipeline: runs without a heartbeat have crashed"

MISSED_BEATS = 3
"""Of heartbeats, before a run counts as gone: a busy machine may be late with one."""

_ENDS = ("Completed", "Failed", "Cancelled", "Crashed")


def forget_old_runs(client: SyncPrefectClient, kept: timedelta = KEPT) -> int:
    """Remove runs of the flow that ended long ago, with their artifacts; their logs go with them. Returns how many."""
    long_ago = FlowRunFilterEndTime(before_=datetime.now(UTC) - kept)
    runs = client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=[clean_raw.name])),
        flow_run_filter=FlowRunFilter(end_time=long_ago),
        limit=RUNS_AT_ONCE,
    )
    for run in runs:
        of_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]))
        for artifact in client.read_artifacts(artifact_filter=of_run):
            client.delete_artifact(artifact.id)
        client.delete_flow_run(run.id)
    return len(runs)


def crash_zombies(client: SyncPrefectClient) -> bool:
    """
    Have the server mark runs as crashed whose heartbeat stopped; returns whether it is new.

    A run whose machine lost power says "Running" for ever and holds the only slot. `pipeline serve` clears that when it
    starts; where workers run the flow, nobody does. As in https://docs.prefect.io/v3/advanced/detect-zombie-flows, for runs
    of any flow that sends heartbeats.
    """
    if client.read_automations_by_name(ZOMBIES):
        return False
    beat = get_current_settings().flows.heartbeat_frequency or 180
    client.create_automation(
        AutomationCore(
            name=ZOMBIES,
            description=f"No heartbeat for {MISSED_BEATS * beat} s: the process, or its machine, is gone.",
            trigger=EventTrigger(
                match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
                for_each={"prefect.resource.id"},
                after={"prefect.flow-run.heartbeat"},
                expect={"prefect.flow-run.heartbeat", *(f"prefect.flow-run.{end}" for end in _ENDS)},
                posture=Posture.Proactive,
                threshold=1,
                within=timedelta(seconds=MISSED_BEATS * beat),
            ),
            actions=[ChangeFlowRunState(state=StateType.CRASHED, message="No heartbeat: the run's process is gone.")],
        )
    )
    return True
