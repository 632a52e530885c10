"""docs/cli.md is what the commands say of themselves, and there is a command for everything Python can do."""

import inspect
from pathlib import Path

import pytest
from tenfold import Platform
from tenfold.platform.cli.app import COMMANDS, EXIT_CODES
from tenfold.platform.cli.reference import reference
from tenfold.platform.service import Service

PAGE = Path(__file__).parents[3] / "docs" / "cli.md"
# Methods whose command has another name, because the command also does more.
ELSEWHERE = {
    "local": "status",  # the --state of every command
    "kubernetes": "status",  # the --target of every command
    "address": "predict",
    "api_key": "predict",
    "spec": "plan",
    "service": "status",
    "services": "status",
    "statuses": "status",
    "inference_log": "import-rows",
    "change": "deploy",  # with --set
    "retrain_due": "retrain",  # with --due
}


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "make docs writes it anew"


@pytest.mark.parametrize("owner", [Platform, Service])
def test_every_method_has_a_command(owner: type) -> None:
    methods = [n for n, m in inspect.getmembers(owner) if callable(m) and not n.startswith("_")]
    missing = {n for n in methods if ELSEWHERE.get(n, n.replace("_", "-")) not in COMMANDS}
    assert not missing
    assert "import_rows" in methods


def test_every_command_says_what_it_is_for() -> None:
    assert all(command.__doc__ for command, _ in COMMANDS.values())


def test_exit_codes_are_told_apart() -> None:
    assert sorted(EXIT_CODES) == [0, 1, 2, 3, 4, 5, 130]
