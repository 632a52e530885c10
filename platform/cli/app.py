"""`tenfold`: the table of commands, and the one place where errors become sentences and exit codes.

The modules of the commands import only typer; what a command needs is imported when it runs, so `tenfold --help`
answers at once.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ... import __version__
from . import build, data, demo, loadtest, nights, run, services
from .common import Place, TargetName, place

app = typer.Typer(
    name="tenfold",
    help="Serve a scikit-learn model from ten replicas, retrain it every night, roll out only what is better.",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

PANELS = {
    "Serve": (
        run.serve,
        run.up,
        run.down,
        services.deploy,
        services.plan,
        services.render,
        services.status,
        services.explain,
        services.doctor,
        services.logs,
    ),
    "Change": (services.scale, services.rollback, services.delete),
    "Models and data": (data.register, data.import_rows, data.predict, data.feedback),
    "Retrain": (
        nights.schedule_retraining,
        nights.pause,
        nights.resume,
        nights.retrain,
        nights.backfill,
        nights.nights,
    ),
    "Cluster": (build.build,),
    "Try": (demo.demo, loadtest.loadtest),
}
ROLLOUT_FAILED, ROLLOUT_TIMED_OUT = 4, 5
INTERRUPTED = 130
EXIT_CODES = {
    0: "Done; for `plan`: nothing would change; for `loadtest`: every limit holds.",
    1: "An error, wrong usage too; a night or a request of `retrain`, `backfill` or `demo` failed; a label of "
    "`feedback` was not taken.",
    services.DIFFERS: "`plan`: something would change.",
    loadtest.LIMIT_BROKE: "`loadtest`: a limit broke.",
    ROLLOUT_FAILED: "`deploy`, `scale`, `rollback` and their like: the version cannot become ready.",
    ROLLOUT_TIMED_OUT: "The same: it made no progress within its deadline.",
    INTERRUPTED: "Interrupted by Ctrl-C.",
}

COMMANDS = {
    command.__name__.replace("_", "-"): (command, panel) for panel, those in PANELS.items() for command in those
}

for name, (command, panel) in COMMANDS.items():
    app.command(name, rich_help_panel=panel)(command)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tenfold {__version__}")
        raise typer.Exit


@app.callback()
def tenfold(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    target: Annotated[
        TargetName, typer.Option(envvar="TENFOLD_TARGET", help="What runs the services.")
    ] = TargetName.local,
    namespace: Annotated[
        str | None,
        typer.Option(envvar="TENFOLD_NAMESPACE", help="Of the cluster.", show_default="that of the context"),
    ] = None,
    context: Annotated[str | None, typer.Option(help="Of the KUBECONFIG.", show_default="its current one")] = None,
) -> None:
    """The root command; everything happens in its subcommands."""
    place.set(Place(target, namespace, context))


def main() -> None:
    """Run the command line and exit with one of `EXIT_CODES`."""
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: list[str]) -> int:
    """Run one command and return its exit code; an error is one sentence on stderr."""
    # Without a command, what there is; Typer's own way counts that as wrong usage.
    arguments = arguments or ["--help"]
    try:
        code = typer.main.get_command(app).main(arguments, prog_name="tenfold", standalone_mode=False)
    except typer.TyperException as e:
        # Wrong usage is an error like any other: 2, its usual code, would mean that a plan differs.
        about = f"{arguments[0]} " if arguments[0] in COMMANDS else ""
        typer.secho(f"Error: {e.format_message()} See: tenfold {about}--help", fg="red", err=True)
        return 1
    except typer.Abort:
        return INTERRUPTED
    except BrokenPipeError:
        return 1
    except OSError as e:
        where = f"{e.filename}: " if e.filename else ""
        typer.secho(f"Error: {where}{e.strerror or e}. Check that the place exists and is yours", fg="red", err=True)
        return 1
    except Exception as e:
        if not isinstance(e, expected_errors()):
            raise
        typer.secho(f"Error: {e}", fg="red", err=True)
        return _exit_code(e)
    return code if isinstance(code, int) else 0


def _exit_code(error: Exception) -> int:
    from ..errors import RolloutFailed

    if not isinstance(error, RolloutFailed):
        return 1
    return ROLLOUT_TIMED_OUT if error.timed_out else ROLLOUT_FAILED


def expected_errors() -> tuple[type[Exception], ...]:
    """The exception roots of all packages: their messages are written for the person at the terminal."""
    from ...loadtests.errors import LoadTestError
    from ...serving.client import ClientError
    from ...serving.errors import ServingError
    from ...serving.inference_log.errors import LogError
    from ...training.errors import TrainingError
    from ..errors import PlatformError

    return (PlatformError, TrainingError, ServingError, LogError, ClientError, LoadTestError)


if __name__ == "__main__":
    main()
