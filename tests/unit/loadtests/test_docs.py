"""docs/loadtests.md has a row for every option, in the words of the option itself."""

from pathlib import Path

import pytest
import typer
from tenfold.loadtests.options import LOCUST_OPTIONS
from tenfold.platform.cli.loadtest import LIMIT_BROKE, loadtest

PAGE = (Path(__file__).parents[3] / "docs" / "loadtests.md").read_text(encoding="utf-8")


def command_rows() -> list[str]:
    app = typer.Typer(add_completion=False)
    app.command()(loadtest)
    options = [each for each in typer.main.get_command(app).params if each.opts[0].startswith("--")]
    return [_row(each.opts[0], _default(each), each.help) for each in options]


def locust_rows() -> list[str]:
    return [_row(each.flag, each.default, each.help) for each in LOCUST_OPTIONS if not each.internal]


def _default(option: object) -> object:
    shown = getattr(option, "show_default", None)
    return shown if isinstance(shown, str) else getattr(option, "default", None)


def _row(flag: str, default: object, meaning: object) -> str:
    return f"| `{flag}` | {'' if default is None else default} | {meaning} |"


@pytest.mark.parametrize("row", command_rows() + locust_rows())
def test_every_option_is_documented_as_it_is(row: str) -> None:
    assert row in PAGE.splitlines()


def test_no_option_is_documented_that_there_is_not() -> None:
    documented = [line for line in PAGE.splitlines() if line.startswith("| `--")]
    assert sorted(documented) == sorted(command_rows() + locust_rows())


def test_the_exit_code_of_a_broken_limit_is_documented() -> None:
    assert f"| {LIMIT_BROKE} | a limit broke" in PAGE
