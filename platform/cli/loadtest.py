"""`tenfold loadtest`: words from the command line into a plan, and the report into tables and an exit code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from .common import TargetName, output, place

if TYPE_CHECKING:
    from ...loadtests.plan import LoadTest
    from ...loadtests.report import Report
    from ..kubernetes.loadtest import ClusterLoad

LIMIT_BROKE = 3
LIMITS, LOAD, ROWS, FILES = "Limits (exit code 3 when one breaks)", "Load", "Rows and feedback", "Reports"


def loadtest(
    service: Annotated[
        str,
        typer.Argument(help="Base address of a service; with --target kubernetes its name.", show_default=False),
    ],
    users: Annotated[int, typer.Option(help="Concurrent users at the peak.", rich_help_panel=LOAD)] = 10,
    run_time: Annotated[str, typer.Option(help="How long, e.g. 45s, 2m, 1h30m.", rich_help_panel=LOAD)] = "30s",
    spawn_rate: Annotated[
        float | None,
        typer.Option(help="Users started a second.", show_default="all at once", rich_help_panel=LOAD),
    ] = None,
    protocol: Annotated[
        list[str] | None,
        typer.Option(
            help="predict, v2 or invocations; several are mixed, by weight with e.g. predict=3.",
            show_default="predict",
            rich_help_panel=LOAD,
        ),
    ] = None,
    batch: Annotated[int, typer.Option(help="Rows in one request.", rich_help_panel=LOAD)] = 1,
    think_time: Annotated[
        str, typer.Option(help="A user's pause between answer and next request.", rich_help_panel=LOAD)
    ] = "0s",
    shape: Annotated[
        str, typer.Option(help="Users over the run: constant, ramp or steps (five).", rich_help_panel=LOAD)
    ] = "constant",
    timeout: Annotated[
        str, typer.Option(help="A request not answered in this time has failed.", rich_help_panel=LOAD)
    ] = "10s",
    processes: Annotated[
        int,
        typer.Option(
            help="Locust workers, one per core; 0 runs it in one process. On a cluster pods, at least one.",
            rich_help_panel=LOAD,
        ),
    ] = 0,
    p95: Annotated[
        str | None, typer.Option(help="Most time for 95 % of the predictions, e.g. 200ms.", rich_help_panel=LIMITS)
    ] = None,
    p99: Annotated[
        str | None, typer.Option(help="Most time for 99 % of the predictions, e.g. 1.5s.", rich_help_panel=LIMITS)
    ] = None,
    errors: Annotated[str, typer.Option(help="Most failed requests, e.g. 0.01 or 1%.", rich_help_panel=LIMITS)] = "0",
    rps_min: Annotated[
        float | None, typer.Option(help="Fewest predictions a second.", min=0, rich_help_panel=LIMITS)
    ] = None,
    rows_file: Annotated[
        Path | None,
        typer.Option(
            help="Real rows to send: .csv, .jsonl or .parquet.",
            show_default="drawn from the model's signature",
            rich_help_panel=ROWS,
        ),
    ] = None,
    label_column: Annotated[
        str | None,
        typer.Option(help="Its column of true labels, sent back as feedback.", rich_help_panel=ROWS),
    ] = None,
    feedback_delay: Annotated[
        str, typer.Option(help="Time between a prediction and its feedback.", rich_help_panel=ROWS)
    ] = "1s",
    feedback_share: Annotated[
        str, typer.Option(help="Share of the predictions that get feedback.", rich_help_panel=ROWS)
    ] = "100%",
    seed: Annotated[int, typer.Option(help="Of the drawn rows and of their order.", rich_help_panel=ROWS)] = 0,
    html: Annotated[Path, typer.Option(help="Locust's report with charts.", rich_help_panel=FILES)] = Path(
        "loadtest.html"
    ),
    json: Annotated[Path, typer.Option("--json", help="The result for programs.", rich_help_panel=FILES)] = Path(
        "loadtest.json"
    ),
) -> None:
    """Put load on a service and hold it against limits. Exit codes: 0 within them, 1 error, 3 a limit broke."""
    from ...loadtests import quantities
    from ...loadtests.limits import Limits
    from ...loadtests.plan import LoadTest
    from ...loadtests.runner import measure_here, run

    cluster = _cluster(service)
    plan = LoadTest(
        cluster.url if cluster else service,
        users=users,
        run_time=quantities.seconds(run_time, "--run-time"),
        spawn_rate=spawn_rate,
        protocols=quantities.weights(protocol or ["predict"], "--protocol"),
        rows_file=rows_file,
        label_column=label_column,
        batch=batch,
        feedback_share=quantities.share(feedback_share, "--feedback-share"),
        feedback_delay=quantities.seconds(feedback_delay, "--feedback-delay"),
        think_time=quantities.seconds(think_time, "--think-time"),
        timeout=quantities.seconds(timeout, "--timeout"),
        shape=shape,
        processes=max(1, processes) if cluster else processes,
        seed=seed,
        limits=Limits(
            p95=None if p95 is None else quantities.milliseconds(p95, "--p95"),
            p99=None if p99 is None else quantities.milliseconds(p99, "--p99"),
            errors=quantities.share(errors, "--errors"),
            rps_min=rps_min,
        ),
    )
    with _bar(plan) as bar:
        task = bar.add_task(f"{plan.users} users on {escape(plan.url)}", total=plan.run_time)
        report = run(
            plan,
            html=html,
            json=json,
            progress=lambda seconds: bar.update(task, completed=seconds),
            measure=cluster.measure if cluster else measure_here,
        )
    show(report, output())
    if report.broken:
        raise typer.Exit(LIMIT_BROKE)


def show(report: Report, console: Console) -> None:
    """Print the tables, the paths of the files, and a sentence for each limit that broke."""
    console.print(_endpoints(report))
    if report.measured.failures:
        console.print(_failures(report))
    console.print(_limits(report))
    for warning in report.warnings:
        console.print(f"[yellow]Warning: {escape(warning)}")
    console.print(f"HTML: {escape(str(report.html))}\nJSON: {escape(str(report.json))}", soft_wrap=True)
    for check in report.broken:
        console.print(f"[red]{escape(check.sentence)}", soft_wrap=True)


def _cluster(service: str) -> ClusterLoad | None:
    """What makes the load when the service runs on a cluster."""
    chosen = place.get()
    if chosen.target is not TargetName.kubernetes:
        return None
    from ..kubernetes.api import Api
    from ..kubernetes.loadtest import ClusterLoad
    from ..kubernetes.target import KubernetesTarget

    return ClusterLoad(KubernetesTarget(Api(chosen.namespace, chosen.context)), service)


def _bar(plan: LoadTest) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _endpoints(report: Report) -> Table:
    table = Table("endpoint", title="Latency in ms")
    for heading in ("requests", "failed", "a second", "mean", "p50", "p95", "p99", "max"):
        table.add_column(heading, justify="right")
    for each in (*report.measured.endpoints, report.measured.everything):
        name, *values = each.summary().values()
        table.add_row(escape(name), *(f"{value:,.10g}" for value in values))
    return table


def _failures(report: Report) -> Table:
    table = Table("endpoint", "failure", title="Failed requests")
    table.add_column("times", justify="right")
    for each in sorted(report.measured.failures, key=lambda failure: -failure.count):
        table.add_row(escape(each.endpoint), escape(each.message), f"{each.count:,}")
    return table


def _limits(report: Report) -> Table:
    table = Table("limit", "", "measured", title="Limits")
    for check in report.checks:
        sign = "[green]holds" if check.holds else "[red]broke"
        table.add_row(check.limit, sign, escape(check.sentence.partition(": ")[2]))
    return table
