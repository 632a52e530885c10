"""`tenfold` as a person runs it in a terminal: processes that Ctrl-C reaches, in a folder of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .places import GUARD

Start = Callable[..., subprocess.Popen[str]]
# Python starts with SIGINT ignored when the tests run in the background of a shell.
TENFOLD = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from tenfold.platform.cli.app import main; main()"
)


@contextmanager
def starting(folder: Path, *words: str) -> Iterator[Start]:
    """What starts `tenfold WORDS ARGUMENTS` in `folder`; all are stopped at the end."""
    with ExitStack() as stack:

        def start(*arguments: str) -> subprocess.Popen[str]:
            command = [sys.executable, "-c", TENFOLD, *words, *arguments]
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
            process = stack.enter_context(subprocess.Popen(command, cwd=folder, text=True, **pipes))
            stack.callback(process.terminate)
            return process

        yield start


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and all that it said."""
    said, _ = process.communicate(timeout=GUARD)
    return process.returncode, said
