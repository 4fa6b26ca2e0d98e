"""A Prefect server stays fit: old runs go with what hangs on them, and the deployment keeps to one run at a time."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from flows.runners import RunnerName

pytestmark = pytest.mark.usefixtures("prefect_api")

ROOT = Path(__file__).parents[2]


def test_old_runs_go_with_their_artifacts(dumps: Path, clean: Path) -> None:
    """Those that ended lately stay, and so do runs of other flows."""
    from prefect import flow
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName

    from flows.clean_raw import clean_raw
    from flows.housekeeping import forget_old_runs

    @flow
    def another() -> None:
        pass

    another()
    clean_raw(dumps, clean, runner=RunnerName.THREAD)
    with get_client(sync_client=True) as client:
        ours = FlowFilter(name=FlowFilterName(any_=[clean_raw.name]))

        assert forget_old_runs(client) == 0
        (run, *_) = runs = client.read_flow_runs(flow_filter=ours)
        kept = [artifact.flow_run_id for artifact in client.read_artifacts()]
        assert run.id in kept

        assert forget_old_runs(client, kept=timedelta()) == len(runs)

        assert client.read_flow_runs(flow_filter=ours) == []
        assert not {run.id for run in runs} & {artifact.flow_run_id for artifact in client.read_artifacts()}
        assert client.read_flow_runs(flow_filter=FlowFilter(name=FlowFilterName(any_=["another"])))


def test_zombies_are_watched_for_once(
    pipeline: Callable[..., subprocess.CompletedProcess[str]], prefect_api: str
) -> None:
    """The command may be given again; without a server there is nothing to set up."""
    from prefect.client.orchestration import get_client

    from flows.housekeeping import ZOMBIES

    first = pipeline("watch-runs", PREFECT_API_URL=prefect_api)
    second = pipeline("watch-runs", PREFECT_API_URL=prefect_api)

    assert first.stdout.strip().endswith("is set up"), first.stderr
    assert second.stdout.strip().endswith("was there already")
    with get_client(sync_client=True) as client:
        (automation,) = client.read_automations_by_name(ZOMBIES)
    assert automation.enabled
    assert pipeline("watch-runs").returncode == 2


def test_the_deployment_file_is_taken_as_it_stands(prefect_api: str, tmp_path: Path, user: dict[str, str]) -> None:
    """One run at a time, others cancelled, each parameter described, and a parameter of the wrong type refused."""
    from prefect.client.orchestration import get_client
    from prefect.exceptions import PrefectHTTPStatusError

    shutil.copytree(ROOT / "flows", tmp_path / "flows")
    shutil.copy(ROOT / "prefect.yaml", tmp_path)
    environment = user | {"PREFECT_API_URL": prefect_api, "PYTHONPATH": str(ROOT)}
    with get_client(sync_client=True) as client:
        client.request("POST", "/work_pools/", json={"name": "articles", "type": "process", "base_job_template": {}})

        done = subprocess.run(
            [Path(sys.executable).with_name("prefect"), "--no-prompt", "deploy", "--all"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )

        assert done.returncode == 0, done.stdout + done.stderr
        deployment = client.read_deployment_by_name("clean-raw/articles")
        assert deployment.global_concurrency_limit is not None
        assert deployment.global_concurrency_limit.limit == 1
        assert deployment.concurrency_options is not None
        assert deployment.concurrency_options.collision_strategy.value == "CANCEL_NEW"
        asked = (deployment.parameter_openapi_schema or {})["properties"]
        assert [name for name, field in asked.items() if not field.get("description")] == []
        with pytest.raises(PrefectHTTPStatusError, match=r"409|422"):
            client.create_flow_run_from_deployment(deployment.id, parameters={"workers": "many"})
