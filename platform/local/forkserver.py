"""The process that replicas are forked from: it has imported what they need, once for all of them.

Started by `forks.ForkServer` as `python -m tenfold.platform.local.forkserver --socket FD MODULE...`. Importing
scikit-learn takes most of a model server's start; a fork has it at once, and shares its memory. Each order on the
socket names a module to run as `python -m` would. The server itself runs nothing, has one thread, and ends with the
controller; what it forked goes on.
"""

from __future__ import annotations

import argparse
import fcntl
import gc
import importlib
import json
import os
import runpy
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SLOT, SLOT_BYTES = "TENFOLD_PROCESS_SLOT", 8192
"""Room in the environment that the server is started with. A fork writes its marks there: the process table shows the
environment that a program was started with, and a fork was not started."""
MESSAGE_BYTES, MOST_DESCRIPTORS = 256 * 1024, 16


@dataclass(frozen=True)
class Order:
    """What a fork shall become, and the descriptors that came with it: its output, then those in `numbers`."""

    arguments: list[str]
    environment: dict[str, str]
    marks: dict[str, str]
    numbers: list[int]
    descriptors: list[int]
    told: int
    """Closed by the fork once the process table tells what it is: only then does its asker learn of it."""


class Children:
    """What was forked and has ended, with its exit code as `subprocess` gives it.

    A fork that has ended stays in the process table until the next request: who asked for it always finds it there.
    """

    def __init__(self) -> None:
        self._codes: dict[int, int] = {}

    def reap(self) -> None:
        """Take note of all that have ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            self._codes[pid] = os.waitstatus_to_exitcode(status)

    def code(self, pid: int) -> int | None:
        """The exit code, told once."""
        self.reap()
        return self._codes.pop(pid, None)


def serve(asked: socket.socket) -> Order | None:
    """Fork what is asked for until the asker is gone. Returns None then, and in each fork what it shall become."""
    children = Children()
    while True:
        message, descriptors, _, _ = socket.recv_fds(asked, MESSAGE_BYTES, MOST_DESCRIPTORS)
        if not message:
            return None
        request = json.loads(message)
        if "ended" in request:
            _answer(asked, code=children.code(request["ended"]))
            continue
        children.reap()
        telling, told = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(telling)
            return Order(**request, descriptors=descriptors, told=told)
        for descriptor in (told, *descriptors):
            os.close(descriptor)
        os.read(telling, 1)
        os.close(telling)
        _answer(asked, pid=pid)


def become(order: Order) -> None:
    """Run the module as a process of its own would: session, descriptors, environment and arguments are its own."""
    os.setsid()
    show(order.marks, order.arguments)
    os.close(order.told)
    # First out of the way: a received descriptor may have the number that another one is wanted under.
    above = max([*order.numbers, 2]) + 1
    moved = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, above) for descriptor in order.descriptors]
    for descriptor in order.descriptors:
        os.close(descriptor)
    for descriptor, number in zip(moved, (1, *order.numbers), strict=True):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.dup2(1, 2)
    os.environ.clear()
    os.environ.update(order.environment)
    module = order.arguments[1]
    sys.argv[:] = order.arguments[1:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def show(marks: dict[str, str], arguments: Sequence[str]) -> None:
    """Let the process table tell marks and arguments of this process instead of the fork server's."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    # Of all fields the 48th to 51st; the first two stand before the bracket.
    argument_start, argument_end, environment_start, environment_end = map(int, fields[45:49])
    with open("/proc/self/mem", "r+b", buffering=0) as memory:  # noqa: PTH123 - no file: our own memory
        memory.seek(environment_start)
        environment = memory.read(environment_end - environment_start)
        memory.seek(environment_start + environment.index(SLOT.encode()))
        pairs = "\0".join(f"{key}={value}" for key, value in marks.items())
        memory.write(os.fsencode(pairs).ljust(len(SLOT) + 1 + SLOT_BYTES, b"\0"))
        # Where the last byte is not zero, the kernel shows what stands before the first that is.
        room = argument_end - argument_start - 2
        memory.seek(argument_start)
        memory.write(os.fsencode(" ".join([sys.executable, *arguments]))[:room].ljust(room + 1, b"\0") + b"\1")


def _answer(asked: socket.socket, **fields: Any) -> None:
    asked.send(json.dumps(fields).encode())


def main() -> None:
    """Import, serve, and in a fork become what was ordered."""
    parser = argparse.ArgumentParser(prog="python -m tenfold.platform.local.forkserver", description=__doc__)
    parser.add_argument("--socket", type=int, required=True, help="descriptor of the socket that orders come from")
    parser.add_argument("modules", nargs="+", help="what to import")
    given = parser.parse_args()
    with socket.socket(fileno=given.socket) as asked:
        for module in given.modules:
            importlib.import_module(module)
        # What is imported stays for good: the collector need not write into the pages that forks share.
        gc.collect()
        gc.freeze()
        _answer(asked, ready=True)
        order = serve(asked)
    if order:
        become(order)


if __name__ == "__main__":
    main()
