"""
The console script: the commands of `pipeline/cli.py`, and those that need orchestration.

Prefect is imported within the commands, so that `pipeline explain` starts at once.
"""

import json
import logging
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer
from rich.console import Console

from flows import environment
from flows.progress import progress_shown, tell, watched_by
from flows.runners import CLUSTERS, RunnerName, check_runner, usable_cores
from flows.schedule import make_schedule
from flows.terminal import keep_terminal_quiet
from pipeline.addresses import Place, place_of
from pipeline.cli import (
    AimOption,
    CleanOption,
    CommentsOption,
    ConfigOption,
    EngineOption,
    app,
    complain,
    describe_published,
)
from pipeline.config import load_config
from pipeline.decide import Aim
from pipeline.errors import UsageError
from pipeline.explain import visible
from pipeline.logs import LogFormat, choose_log_format
from pipeline.plan import PlanOptions
from pipeline.records import Engine, RejectReason
from pipeline.report import RunReport
from pipeline.store import publish_to
from pipeline.store.target import open_target
from pipeline.voices import Manner
from pipeline.workers import leave_pandas_out

__all__ = ["app"]

log = logging.getLogger(__name__)

REJECTIONS = 5  # exit code


def reachable(url: str | None) -> str | None:
    """Refuse before the run what cannot be published to after it."""
    if url is not None:
        open_target(url)
    return url


RawOption = Annotated[
    str, typer.Option("--raw", metavar="PATH", help="The folder with the raw dumps, or its address: s3://bucket/dumps.")
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", min=1, help="Shards cleaned side by side.  [default: cores]")
]
RunnerOption = Annotated[RunnerName, typer.Option("--runner", help="Where shards are cleaned.")]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="Of a Dask scheduler or Ray cluster that is there already, such as tcp://10.0.0.5:8786.",
    ),
]
ScratchOption = Annotated[
    str | None,
    typer.Option(
        "--scratch",
        metavar="URL",
        help="Where workers of a cluster put what they made, if they do not see --clean: s3://bucket/scratch.",
    ),
]
PublishOption = Annotated[
    str | None,
    typer.Option(
        "--publish",
        metavar="URL",
        callback=reachable,
        help="Publish the tables there too, such as to s3://bucket/news.",
    ),
]

NoPrefectOption = Annotated[bool, typer.Option("--no-prefect", help="The same steps without Prefect.")]
ReportOption = Annotated[bool, typer.Option("--json", help="One JSON object with the counts on stdout.")]
StrictOption = Annotated[bool, typer.Option("--strict", help="Exit with 5 when records were rejected.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what a run would do, and write nothing.")]
LogFormatOption = Annotated[
    LogFormat, typer.Option("--log-format", help="stderr for people, or for programs: a JSON object a line.")
]


@app.command()
def run(  # noqa: PLR0913, PLR0917 - typer reads a command's options from its parameters
    raw: RawOption = "raw",
    clean: CleanOption = Path("clean"),
    workers: WorkersOption = None,
    runner: RunnerOption = RunnerName.PROCESS,
    cluster: ClusterOption = None,
    scratch: ScratchOption = None,
    aim: AimOption = Aim.BALANCED,
    engine: EngineOption = Engine.LINES,
    comments: CommentsOption = False,
    publish: PublishOption = None,
    config: ConfigOption = None,
    no_prefect: NoPrefectOption = False,
    as_object: ReportOption = False,
    strict: StrictOption = False,
    allow_mass_delete: Annotated[
        bool, typer.Option("--allow-mass-delete", help="Take over the deletion of more than half of the raw files.")
    ] = False,
    logs: LogFormatOption = LogFormat.TEXT,
    dry_run: DryRunOption = False,
) -> None:
    """
    Clean what is new or changed in the raw folder since the last run, and publish the tables.

    Example: pipeline run --raw raw --clean clean
    """
    manner = Manner(aim, engine, comments)
    settings = load_config(config)
    options = PlanOptions(allow_mass_delete=allow_mass_delete, reading=settings.read, limits=settings.limits)
    if dry_run:
        _say_what_would_be_done(place_of(raw), clean, manner, options, as_object=as_object)
    report = _run(place_of(raw), clean, workers, runner, cluster, scratch, manner, options, logs, no_prefect=no_prefect)
    _tell(report, clean, publish, as_object=as_object, strict=strict)


@app.command()
def retry(  # noqa: PLR0913, PLR0917 - as above
    reason: Annotated[
        list[RejectReason] | None,
        typer.Option("--reason", help="Only what was rejected for this; may be repeated.  [default: any reason]"),
    ] = None,
    raw: RawOption = "raw",
    clean: CleanOption = Path("clean"),
    workers: WorkersOption = None,
    runner: RunnerOption = RunnerName.PROCESS,
    cluster: ClusterOption = None,
    scratch: ScratchOption = None,
    aim: AimOption = Aim.BALANCED,
    engine: EngineOption = Engine.LINES,
    comments: CommentsOption = False,
    publish: PublishOption = None,
    config: ConfigOption = None,
    no_prefect: NoPrefectOption = False,
    as_object: ReportOption = False,
    strict: StrictOption = False,
    logs: LogFormatOption = LogFormat.TEXT,
    dry_run: DryRunOption = False,
) -> None:
    """
    Do what `run` does, and clean files again of which a record was rejected, although they have not changed.

    Give the other options as for `run`: with another aim or settings file, all files are cleaned again.

    Example: pipeline retry --reason timed-out --reason out-of-memory
    """
    manner = Manner(aim, engine, comments)
    settings = load_config(config)
    options = PlanOptions(reading=settings.read, limits=settings.limits, retry=tuple(reason or RejectReason))
    if dry_run:
        _say_what_would_be_done(place_of(raw), clean, manner, options, as_object=as_object)
    report = _run(place_of(raw), clean, workers, runner, cluster, scratch, manner, options, logs, no_prefect=no_prefect)
    _tell(report, clean, publish, as_object=as_object, strict=strict)


@app.command()
def serve(  # noqa: PLR0913, PLR0917 - as above
    cron: Annotated[str | None, typer.Option("--cron", help="Five fields, such as '0 6 * * *', in local time.")] = None,
    every: Annotated[str | None, typer.Option("--every", help="A duration, such as 30s, 15m, 2h or 1d.")] = None,
    raw: RawOption = "raw",
    clean: CleanOption = Path("clean"),
    workers: WorkersOption = None,
    runner: RunnerOption = RunnerName.PROCESS,
    cluster: ClusterOption = None,
    scratch: ScratchOption = None,
    aim: AimOption = Aim.BALANCED,
    engine: EngineOption = Engine.LINES,
    comments: CommentsOption = False,
    publish: PublishOption = None,
    config: ConfigOption = None,
    logs: LogFormatOption = LogFormat.TEXT,
) -> None:
    """
    Run on a schedule, never twice at once, until Ctrl-C; files still being written are left to the next run.

    Where no Prefect API is configured, a server on 127.0.0.1 is started, and ended with this command.

    Example: pipeline serve --every 15m
    """
    choose_log_format(logs)
    schedule = make_schedule(cron, every)
    settings = load_config(config)
    state = environment.prepare(clean)
    from flows.serve import Served, serve  # noqa: PLC0415 - imports Prefect, see the module

    manner = Manner(aim, engine, comments)
    check_runner(runner, cluster, scratch)
    served = Served(
        place_of(raw),
        clean,
        workers or usable_cores(),
        runner,
        manner,
        schedule,
        publish,
        settings.read,
        settings.limits,
        cluster,
        scratch,
    )
    serve(served, state, Console(stderr=True))


def _run(  # noqa: PLR0913, PLR0917 - as above
    raw: Place,
    clean: Path,
    workers: int | None,
    runner: RunnerName,
    cluster: str | None,
    scratch: str | None,
    manner: Manner,
    options: PlanOptions,
    logs: LogFormat,
    *,
    no_prefect: bool,
) -> RunReport:
    check_runner(runner, cluster, scratch)
    if no_prefect and runner in CLUSTERS:
        raise UsageError(f"--runner {runner} needs Prefect; leave out --no-prefect")
    choose_log_format(logs)
    leave_pandas_out()
    run_once = _run_directly if no_prefect else partial(_run_flow, cluster, scratch)
    with progress_shown() as watcher, watched_by(watcher):
        report = run_once(raw, clean, workers or usable_cores(), runner, manner, options)
    if logs is LogFormat.JSON:
        _log_what_was_done(report)
    return report


def _tell(report: RunReport, clean: Path, publish: str | None, *, as_object: bool, strict: bool) -> NoReturn:
    """What a run did, and with which exit code it ends."""
    typer.echo(report.to_json() if as_object else "\n".join(map(visible, report.summary().splitlines())))
    if publish:
        complain(describe_published(publish_to(publish, clean)))
    raise typer.Exit(report.exit_code or (REJECTIONS if strict and report.rejected else 0))


@app.command("watch-runs")
def watch_runs() -> None:
    """
    Have a Prefect server that is configured mark runs as crashed whose process is gone; once, for a work pool.

    `pipeline serve` needs no such thing: it knows its runs.

    Example: pipeline watch-runs
    """
    environment.prepare(Path("clean"))
    from prefect.client.orchestration import get_client  # noqa: PLC0415 - imports Prefect, see the module
    from prefect.settings import get_current_settings  # noqa: PLC0415 - as above

    from flows.connection import prefect_api  # noqa: PLC0415 - as above
    from flows.housekeeping import ZOMBIES, crash_zombies  # noqa: PLC0415 - as above

    if get_current_settings().api.url is None:
        raise UsageError("no Prefect server is configured; set PREFECT_API_URL, such as to http://127.0.0.1:4200/api")
    with prefect_api(Path(), scheduler=False), get_client(sync_client=True) as client:
        is_new = crash_zombies(client)
    typer.echo(f'the automation "{ZOMBIES}" {"is set up" if is_new else "was there already"}')


def _say_what_would_be_done(
    raw: Place, clean: Path, manner: Manner, options: PlanOptions, *, as_object: bool
) -> NoReturn:
    from pipeline.plan import preview  # noqa: PLC0415 - not needed to show help
    from pipeline.voices import load_voices  # noqa: PLC0415 - as above

    found = preview(raw, clean, load_voices(manner), options)
    typer.echo(found.to_json() if as_object else found.summary())
    raise typer.Exit(found.exit_code)


def _run_directly(  # noqa: PLR0913, PLR0917 - as above
    raw: Place, clean: Path, workers: int, runner: RunnerName, manner: Manner, options: PlanOptions
) -> RunReport:
    from pipeline.run import run_directly  # noqa: PLC0415 - not needed to show help

    where: Literal["thread", "process"] = "thread" if runner is RunnerName.THREAD else "process"
    return run_directly(raw, clean, workers=workers, runner=where, manner=manner, options=options, progress=tell)


def _run_flow(  # noqa: PLR0913, PLR0917 - as above
    cluster: str | None,
    scratch: str | None,
    raw: Place,
    clean: Path,
    workers: int,
    runner: RunnerName,
    manner: Manner,
    options: PlanOptions,
) -> RunReport:
    state = environment.prepare(clean)
    from flows.clean_raw import clean_raw  # noqa: PLC0415 - imports Prefect, see the module
    from flows.connection import outage_told, prefect_api  # noqa: PLC0415 - as above

    keep_terminal_quiet()
    with prefect_api(state, scheduler=False), outage_told():
        return clean_raw(
            raw,
            clean,
            workers,
            runner,
            cluster=cluster,
            scratch=scratch,
            aim=manner.aim,
            html_engine=manner.engine,
            comments=manner.comments,
            reading=options.reading,
            limits=options.limits,
            retry=options.retry,
            allow_mass_delete=options.allow_mass_delete,
        )


def _log_what_was_done(report: RunReport) -> None:
    """The counts and warnings of a run, for programs that read the log."""
    for warning in report.sites.warnings:
        log.warning("%s", warning, extra={"site_warning": asdict(warning)})
    log.info("run %s ended", report.run_id, extra={"report": json.loads(report.to_json())})
