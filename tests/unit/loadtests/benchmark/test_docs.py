"""docs/performance.md names every server and every option."""

import re
from pathlib import Path

import pytest
from tenfold.loadtests.benchmark.__main__ import main
from tenfold.loadtests.benchmark.servers import ALL

PAGE = (Path(__file__).parents[4] / "docs" / "performance.md").read_text(encoding="utf-8")


def rows(of: str) -> list[str]:
    """Names in the first column of the table whose first head is `of`."""
    table = PAGE.split(f"| {of} |", 1)[1].split("\n\n", 1)[0]
    return [name for line in table.splitlines()[2:] for name in re.findall(r"`([^`]+)`", line.split("|")[1])]


def test_every_server_is_documented_and_no_other() -> None:
    assert sorted(rows("server")) == sorted(server.name for server in ALL)


def test_every_option_is_documented_and_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    options = set(re.findall(r"--[a-z]+", capsys.readouterr().out)) - {"--help"}
    assert sorted(rows("option")) == sorted(options)
