"""
The command line, as far as it needs no orchestration; `flows/cli.py` adds `run` and `serve`.

Exit codes: 0 done (rejections included, they are shown), 1 unexpected failure or findings of `verify`, 2 bad usage,
3 another run is active, 4 refused for safety, 5 rejections with `--strict`.
"""

import io
import json
import logging
import re
import sys
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import Progress
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from pipeline.addresses import Place, path_in, place_of
from pipeline.clean import clean_records
from pipeline.config import load_config
from pipeline.decide import Aim
from pipeline.doctor import PEEKED, examine
from pipeline.errors import AddressError, PipelineError, UsageError
from pipeline.explain import as_json, count_reasons, explain_lines, render, visible
from pipeline.logs import LogFormat, log_format
from pipeline.markdown import render_markdown
from pipeline.plan import PlanOptions, preview
from pipeline.records import Article, Engine, RawRecord, Rejection
from pipeline.report import Preview, RunReport
from pipeline.score import table as score_table
from pipeline.score.cache import CACHE
from pipeline.score.pages import Key
from pipeline.score.run import Tell, score_file
from pipeline.score.shapes import Shape
from pipeline.sources.discover import DEFAULT_READING, file_alone
from pipeline.sources.layers import BUFFER_BYTES
from pipeline.sources.opened import ReadFailure, opened
from pipeline.sources.read import read_stream
from pipeline.sources.reading import Reading
from pipeline.store.remote import Published, publish_to
from pipeline.store.state import KEPT_RUNS
from pipeline.store.status import Status
from pipeline.store.status import history as store_history
from pipeline.store.status import status as store_status
from pipeline.store.verify import verify as verify_store
from pipeline.train.gold import Trained, train_on_gold
from pipeline.train.train import EPOCHS
from pipeline.voices import Manner, load_voices
from pipeline.web import render_html

log = logging.getLogger(__name__)

PIPED_WIDTH = 120
"""Columns of a table that goes to a file or a pipe, where nobody says how wide it may be."""


class PipelineGroup(TyperGroup):
    """Commands whose errors made on purpose end in a message and their exit code, never in a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except PipelineError as error:
            complain(f"error: {error}")
            raise typer.Exit(error.exit_code) from error


app = typer.Typer(
    cls=PipelineGroup,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="Clean scraped article dumps line by line into Parquet; every removal is explained.",
)


def local_folder(path: Path) -> Path:
    """Refuse an address, of which a folder `s3:` would be made here."""
    if re.match(r"\w[\w.+-]+:/", str(path)):
        raise UsageError(f"--clean {path}: the store is a local folder; `pipeline publish URL` copies it to an address")
    return path


FileArgument = Annotated[
    str, typer.Argument(metavar="FILE", help="A dump or page, as it lies below raw/; or its address.")
]
InputArgument = Annotated[str, typer.Argument(metavar="FILE|-", help="A dump or page, its address, or - for stdin.")]
RawAgainOption = Annotated[
    str | None, typer.Option("--raw", help="The raw folder or its address, if it is not that of the last run.")
]
RecordOption = Annotated[int, typer.Option("--record", min=1, help="Which document of a file that holds several.")]
CleanOption = Annotated[
    Path,
    typer.Option("--clean", callback=local_folder, help="The folder of the store and its Parquet tables."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")]
AimOption = Annotated[
    Aim,
    typer.Option(
        "--aim", help="What the learned model avoids more: leaving furniture (precision), or losing text (recall)."
    ),
]
EngineOption = Annotated[
    Engine,
    typer.Option("--html-engine", help="What makes lines of HTML: all that a page shows, or what trafilatura finds."),
]
CommentsOption = Annotated[
    bool, typer.Option("--comments", help="Keep readers' comments, apart from the text: in a column of their own.")
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", help="The settings file.  [default: pipeline.toml, or \\[tool.pipeline] of pyproject.toml]"
    ),
]


@app.command()
def explain(  # noqa: PLR0913, PLR0917 - typer reads a command's options from its parameters
    file: FileArgument,
    record: RecordOption = 1,
    aim: AimOption = Aim.BALANCED,
    engine: EngineOption = Engine.LINES,
    config: ConfigOption = None,
    as_object: JsonOption = False,
) -> None:
    """
    Show each line of a document with its verdict, the reason, the rule and its score.

    Example: pipeline explain raw/samples/mirror-harbor-ferry.txt
    """
    outcome = clean_record(read_record(place_of(file), record, load_config(config).read), Manner(aim, engine))
    match outcome:
        case Article():
            _explain_article(outcome, as_object=as_object)
        case Rejection() if as_object:
            print_json(rejection_fields(outcome))
        case Rejection():
            complain(describe_rejection(outcome))


@app.command()
def clean(
    file: InputArgument,
    aim: AimOption = Aim.BALANCED,
    engine: EngineOption = Engine.LINES,
    comments: CommentsOption = False,
    config: ConfigOption = None,
) -> None:
    """
    Print the cleaned text of one document; nothing is stored.

    A document that would be rejected prints nothing but a message on stderr. Comments follow the text.

    Example: pipeline clean page.html > page.txt
    """
    outcome = clean_record(read_record(place_of(file), 1, load_config(config).read), Manner(aim, engine, comments))
    if isinstance(outcome, Rejection):
        complain(describe_rejection(outcome))
    elif sys.stdout.isatty():
        typer.echo("\n".join(visible(line) for line in _printed(outcome).split("\n")))
    else:
        typer.echo(_printed(outcome).encode())


def _printed(article: Article) -> str:
    return article.text if article.comments is None else f"{article.text}\n\n{article.comments}"


@app.command()
def status(  # noqa: PLR0913, PLR0917 - typer reads a command's options from its parameters
    clean: CleanOption = Path("clean"),
    raw: RawAgainOption = None,
    aim: AimOption = Aim.BALANCED,
    engine: EngineOption = Engine.LINES,
    comments: CommentsOption = False,
    config: ConfigOption = None,
    as_object: JsonOption = False,
) -> None:
    """
    Show what the store holds, what the last run did, and what the next one would do.

    Example: pipeline status --clean clean
    """
    found = store_status(clean)
    then = _preview_next(found, raw, Manner(aim, engine, comments), load_config(config).read)
    if as_object:
        print_json(json.loads(found.to_json()) | {"next_run": json.loads(then.to_json()) if then else None})
    else:
        typer.echo("\n".join(visible(line) for line in [*describe_status(found), *describe_next(found, then)]))


def _preview_next(found: Status, raw: str | None, manner: Manner, reading: Reading) -> Preview | None:
    """What the next run would do; None where there is no raw folder to look into, and none was asked for."""
    folder = place_of(raw) if raw else found.last_run.raw if found.last_run else None
    if folder is None or (raw is None and isinstance(folder, Path) and not folder.is_dir()):
        return None
    options = PlanOptions(wait=False, reading=reading)
    try:
        return preview(folder, found.clean, load_voices(manner), options)
    except (AddressError, UsageError):
        if raw or isinstance(folder, Path):
            raise
        return None  # what the store holds can be told without the network


@app.command()
def history(
    clean: CleanOption = Path("clean"),
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many runs, the latest first.")] = 20,
    as_object: JsonOption = False,
) -> None:
    """
    Show the last runs: when they were, what came in, what became of it, and how many warnings there were.

    Example: pipeline history --limit 5
    """
    runs = store_history(clean, limit)
    if as_object:
        print_json({"runs": [json.loads(run.to_json()) for run in runs]})
    else:
        console().print(draw_history(runs))


@app.command()
def report(
    clean: CleanOption = Path("clean"),
    run_id: Annotated[
        str | None, typer.Option("--run", help="Which run, as `pipeline history` names it.  [default: the last]")
    ] = None,
    as_html: Annotated[bool, typer.Option("--html", help="One file of HTML instead, which needs no other.")] = False,
    open_it: Annotated[bool, typer.Option("--open", help="Show that file in the browser.")] = False,
) -> None:
    """
    Print a run as a page of Markdown: counts beside the run before, sites, slowest files, rejections, warnings.

    Example: pipeline report --open
    """
    runs = store_history(clean, KEPT_RUNS if run_id else 1)
    found = next((run for run in runs if run_id in {None, run.run_id}), None)
    if found is None:
        raise UsageError(f"--run {run_id}: there is no such run; `pipeline history` lists those that are kept")
    if open_it:
        _show(render_html(found, clean))
    elif as_html:
        typer.echo(render_html(found, clean), nl=False)
    elif sys.stdout.isatty():
        console().print(Markdown(render_markdown(found, clean), hyperlinks=False))
    else:
        typer.echo(render_markdown(found, clean), nl=False)


def _show(page: str) -> None:
    """Open a page in the user's browser, from a file that is left to the system to remove: the browser reads it later."""
    with NamedTemporaryFile("w", encoding="utf-8", prefix="pipeline-report-", suffix=".html", delete=False) as file:
        file.write(page)
    typer.echo(file.name)
    if not webbrowser.open(Path(file.name).as_uri()):
        raise PipelineError(f"no browser could be started; the page is {file.name}")


def draw_history(runs: Sequence[RunReport]) -> Table:
    """Runs as a table, the latest first."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in (
        "run",
        "seconds",
        "new",
        "changed",
        "removed",
        "articles",
        "duplicates",
        "rejected",
        "warnings",
        "exit",
    ):
        table.add_column(column, justify="left" if column == "run" else "right")
    for run in runs:
        seconds = (run.finished_at - run.started_at).total_seconds()
        counts = (run.files.new, run.files.changed, run.files.removed, run.articles, run.duplicates, run.rejected)
        numbers = (*counts, run.sites.warning_count)
        table.add_row(run.run_id, f"{seconds:,.1f}", *(f"{number:,}" for number in numbers), str(run.exit_code))
    return table


@app.command()
def verify(
    clean: CleanOption = Path("clean"),
    raw: RawAgainOption = None,
    config: ConfigOption = None,
    as_object: JsonOption = False,
) -> None:
    """
    Check every promise of the store, down to the single lines; exits with 1 when one does not hold.

    Example: pipeline verify --clean clean
    """
    findings = verify_store(clean, place_of(raw) if raw else None, load_config(config).read)
    if as_object:
        print_json({"findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            typer.echo(visible(str(finding)))
        typer.echo(f"{len(findings)} finding(s)" if findings else f"{visible(str(clean))}: every promise holds")
    raise typer.Exit(1 if findings else 0)


@app.command()
def doctor(
    raw: Annotated[
        str,
        typer.Argument(metavar="PATH", help="The folder with the raw dumps, or one file; or the address of either."),
    ] = "raw",
    config: ConfigOption = None,
    peek: Annotated[int, typer.Option("--peek", min=1, help="How many records of each file to look at.")] = PEEKED,
    as_object: JsonOption = False,
) -> None:
    """
    Say of each raw file what it would be read as, which columns are chosen, and what stands in the way.

    Example: pipeline doctor raw
    """
    found = examine(place_of(raw), load_config(config).read, peek)
    if as_object:
        print_json(json.loads(found.to_json()))
        return
    for diagnosis in found.files:
        typer.echo(visible(diagnosis.summary()))
    ignored = ", ".join(f"{count:,} {why}" for why, count in found.ignored.items())
    typer.echo(visible(f"{len(found.files):,} files" + (f"; ignored: {ignored}" if ignored else "")))


@app.command()
def publish(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where to, such as s3://bucket/news.")],
    clean: CleanOption = Path("clean"),
    as_object: JsonOption = False,
) -> None:
    """
    Publish the tables of the last run to an object store; only parts that are not there yet are uploaded.

    Example: pipeline publish s3://bucket/news
    """
    done = publish_to(url, clean)
    if as_object:
        print_json(asdict(done))
    else:
        typer.echo(visible(describe_published(done)))


@app.command()
def score(  # noqa: PLR0913, PLR0917 - typer reads a command's options from its parameters
    gold: Annotated[Path, typer.Argument(metavar="GOLD", help="Parquet or .jsonl: page gold or line gold.")],
    shape: Annotated[Shape, typer.Option("--input", help="What of each page is cleaned.")] = Shape.DUMP,
    by: Annotated[
        list[Key] | None, typer.Option("--by", help="Group pages by this; may be repeated.  [default: all three]")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only the first documents.")] = None,
    peers: Annotated[bool, typer.Option("--peers/--no-peers", help="Score published line rules too.")] = True,
    as_object: JsonOption = False,
) -> None:
    """
    Score the cleaner against text that people made, with the raw text, the best choice of lines and peers beside it.

    README.md says which columns a gold file has.

    Example: pipeline score gold.parquet --input dump_full --by lang
    """
    with progress_bar() as tell:
        report = score_file(gold, shape, by=by or tuple(Key), limit=limit, peers=peers, tell=tell)
    if as_object:
        print_json(score_table.as_json(report))
    else:
        out = console()
        out.print(Text(visible(score_table.describe(report)), style="bold"))
        out.print()
        out.print(score_table.draw(report))


@app.command()
def train(  # noqa: PLR0913, PLR0917 - as above
    gold: Annotated[Path, typer.Option("--gold", help="The folder with the gold files that may be trained on.")],
    out: Annotated[Path, typer.Option("--out", help="The weights file to write.")] = Path("weights.npz"),
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="How often each page is learned from.")] = EPOCHS,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Decides what is drawn at random.")] = 0,
    cache: Annotated[Path, typer.Option("--cache", help="Where texts made from gold are kept.")] = CACHE,
    pages: Annotated[
        bool, typer.Option("--pages", help="Train the model of HTML pages, not that of flat texts.")
    ] = False,
    as_object: JsonOption = False,
) -> None:
    """
    Train a line model on gold pages and write its weights; the same gold and seed give the same bytes.

    CONTRIBUTING.md says how to ship them, and pipeline/model/CARD.md what they were trained on.

    Example: pipeline train --gold ../shared/gold --out pipeline/model/weights.npz
    """
    with progress_bar() as tell:
        trained = train_on_gold(gold, out, cache, pages=pages, epochs=epochs, seed=seed, tell=tell)
    if as_object:
        print_json(asdict(trained))
    else:
        typer.echo("\n".join(visible(line) for line in describe_training(trained)))


@contextmanager
def progress_bar() -> Iterator[Tell]:
    """Show on stderr, if it is a terminal, how far the work is."""
    stderr = Console(stderr=True)
    with Progress(console=stderr, transient=True, disable=not stderr.is_terminal) as progress:
        task = progress.add_task("reading gold", total=None)
        yield lambda what, done, total: progress.update(task, description=what, completed=done, total=total)


def read_record(path: Place, number: int, reading: Reading = DEFAULT_READING) -> RawRecord | Rejection:
    """One document of a file, or of stdin for "-", or why it is none; `UsageError` when the file holds fewer."""
    count = 0
    with _stream(path) as (stream, size):
        for outcome in read_stream(stream, path_in(path).as_posix(), size, reading.alone(path_in(path))):
            if isinstance(outcome, RawRecord | Rejection):
                count += 1
                if count == number:
                    return outcome
    raise UsageError(f"{path}: holds {count} document(s), there is no number {number}")


def clean_record(record: RawRecord | Rejection, manner: Manner) -> Article | Rejection:
    """What a run would make of one document."""
    if isinstance(record, Rejection):
        return record
    (outcome,) = clean_records([record], load_voices(manner))
    return outcome


def describe_article(article: Article) -> str:
    """What is known about an article, in one line."""
    known = article.metadata
    facts = {
        "language": known.language,
        "published": f"{known.published:%Y-%m-%d}" if known.published else None,
        "by": ", ".join(known.authors),
        "tags": ", ".join(known.tags),
    }
    return "; ".join(["article", *(f"{name} {value}" for name, value in facts.items() if value)])


def describe_rejection(rejection: Rejection) -> str:
    """Say in one line why a document became no article."""
    return f"{rejection.source}: rejected, {rejection.reason}: {rejection.detail}"


def describe_status(found: Status) -> list[str]:
    """What a store holds, in lines for a person."""
    lines = [
        f"{found.clean}: snapshot {found.snapshot}",
        f"{found.articles:,} articles from {found.sources:,} documents, {found.rejected:,} rejected",
        f"{found.raw_files:,} raw files of {found.raw_bytes:,} bytes",
        f"{found.parquet_bytes:,} bytes of Parquet; {found.store_bytes:,} bytes on disk, with all snapshots",
        "snapshots that can be read:",
        *(f"  {kept.number}, {kept.committed_at:%Y-%m-%d %H:%M} UTC, {kept.bytes:,} bytes" for kept in found.snapshots),
    ]
    if found.waiting_shards:
        lines.append(f"{found.waiting_shards:,} finished shards of a run that is active or did not end")
    if found.last_run:
        lines.append(f"last run, {found.last_run.started_at:%Y-%m-%d %H:%M} UTC:")
        lines.extend(f"  {line}" for line in found.last_run.summary().splitlines())
    return lines


def describe_next(found: Status, then: Preview | None) -> list[str]:
    """What the next run would do, in lines for a person."""
    if then is None:
        last = found.last_run.raw if found.last_run else None
        why = "is gone" if isinstance(last, Path) else "is gone or cannot be reached"
        where = f"{last} {why}" if last else "no run has been made"
        return [f"next run: {where}; name the raw folder with --raw"]
    return [f"next run, of {then.raw}:", *(f"  {line}" for line in then.summary().splitlines())]


def describe_published(done: Published) -> str:
    """What a publication did, in one line."""
    removed = f", {done.removed:,} old objects removed" if done.removed else ""
    return (
        f"{done.url}: snapshot {done.snapshot}{'' if done.new else ', as before'}; {done.uploaded:,} of {done.parts:,} parts"
        f" uploaded, {done.uploaded_bytes:,} bytes{removed}"
    )


def describe_training(trained: Trained) -> list[str]:
    """What was trained, in lines for a person."""
    return [
        f"{trained.pages:,} pages of {trained.sites:,} sites in {trained.texts:,} texts, {trained.paragraphs:,} paragraphs",
        f"{trained.epochs} epochs, seed {trained.seed}: loss {trained.loss:.4f}; {trained.ngrams:,} n-grams known",
        f"{trained.weights}: model {trained.version}, {trained.size:,} bytes",
    ]


def rejection_fields(rejection: Rejection) -> dict[str, Any]:
    """A rejected document, for programs."""
    return {
        "source": rejection.source,
        "outcome": "rejected",
        "reason": str(rejection.reason),
        "detail": rejection.detail,
    }


def complain(message: str) -> None:
    """Print a message for a person on stderr, or log it where programs read that."""
    if log_format() is LogFormat.JSON:
        log.error("%s", message)
    else:
        typer.echo(visible(message), err=True)


def print_json(value: Any) -> None:
    """Print JSON in plain ASCII: characters that a terminal would obey cannot get through."""
    typer.echo(json.dumps(value, indent=2))


def console() -> Console:
    """Where tables go; rich itself heeds NO_COLOR and leaves out styles when stdout is no terminal."""
    return Console() if sys.stdout.isatty() else Console(width=PIPED_WIDTH)


@contextmanager
def _stream(path: Place) -> Iterator[tuple[io.BufferedReader, int]]:
    """A file's bytes, or those of stdin, which have to be in memory to be sought in; and how many there are."""
    if path == Path("-"):
        data = sys.stdin.buffer.read()
        yield io.BufferedReader(io.BytesIO(data), BUFFER_BYTES), len(data)
        return
    with opened(file_alone(path)) as content:
        if isinstance(content, ReadFailure):
            raise UsageError(f"{path}: cannot be read: {content.detail}")
        yield content.stream, content.file.size


def _explain_article(article: Article, *, as_object: bool) -> None:
    lines = explain_lines(article.document.text, article.removed)
    if as_object:
        print_json(
            {
                "source": article.document.source,
                "outcome": "article",
                "title": article.metadata.title,
                "lines": as_json(lines),
                "reasons": count_reasons(lines),
                "removed_share": article.removed_share,
            }
        )
        return
    out = console()
    out.print(Text(visible(f"{article.document.source}: {describe_article(article)}"), style="bold"))
    out.print()
    out.print(render(lines))
    out.print(Text(f"{article.removed_share:.1%} of the characters removed"))


if __name__ == "__main__":
    app()
