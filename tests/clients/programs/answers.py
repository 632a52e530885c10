"""What the clients that are written in Python share: the plan, the check of an answer, and the rounds of requests."""

from __future__ import annotations

import array
import itertools
import json
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers in lower case, body."""
Ask = Callable[[dict[str, Any], bytes], Answer]


class Wrong(Exception):
    """The answer is another than the expected one."""


class Checks:
    """Which answers are right, and the id that the last prediction was given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = ""

    def body(self, request: dict[str, Any]) -> bytes:
        if request["text"]:
            return request["text"].replace("{id}", self.id).encode()
        return (self.folder / request["body"]).read_bytes() if request["body"] else b""

    def version(self, request: dict[str, Any], answer: Answer) -> str:
        """Whose answer it is; empty where nothing says it."""
        status, headers, body = answer
        if status not in (request["status"], request["draining"]):
            raise Wrong(f"status {status}: {body[:200]!r}")
        if request["method"] == "HEAD":
            if body:
                raise Wrong(f"a body: {body[:200]!r}")
            return ""
        if request["contains"].encode() not in body:
            raise Wrong(f"no {request['contains']} in {body[:200]!r}")
        if not request["numbers"]:
            return ""
        end = int(headers["inference-header-content-length"]) if request["binary"] else len(body)
        document = json.loads(body[:end])
        numbers = array.array("d", body[end:]) if request["binary"] else list(_flat(_at(document, request["at"])))
        found = [version for version, all_ in request["numbers"].items() if _same(numbers, all_, request["count"])]
        if not found:
            raise Wrong(f"{len(numbers)} numbers of no version, {list(numbers[:3])}")
        if request["version_at"] and _at(document, request["version_at"]) != found[0]:
            raise Wrong(f"numbers of version {found[0]}, said to be of {_at(document, request['version_at'])}")
        if request["id_at"]:
            self.id = _at(document, request["id_at"])
        return found[0]


def _at(document: Any, path: list[str | int]) -> Any:
    for step in path:
        document = document[step]
    return document


def _flat(value: Any) -> Iterator[float]:
    if isinstance(value, list):
        for each in value:
            yield from _flat(each)
    else:
        yield value


def _same(numbers: Any, expected: list[float], count: int) -> bool:
    if len(numbers) != count:
        return False
    return all(abs(number - expected[n % len(expected)]) < 1e-9 for n, number in enumerate(numbers))


@dataclass
class Summary:
    """What comes out."""

    requests: int = 0
    failed: int = 0
    failures: Counter[str] = field(default_factory=Counter[str])
    versions: Counter[str] = field(default_factory=Counter[str])
    names: Counter[str] = field(default_factory=Counter[str])

    def count(self, name: str, version: str, failure: str) -> None:
        """A request, whose answer it was, and what was wrong; empty: nothing known, nothing wrong."""
        self.requests += 1
        self.names[name] += 1
        self.versions += Counter([version] if version else [])
        self.failed += bool(failure)
        self.failures += Counter([failure] if failure else [])


def run(*workers: Callable[[], Ask]) -> None:
    """Let each worker ask round after round until stdin ends, and print the summary.

    A worker makes what sends one request and waits for its answer. It runs in a thread of its own.
    """
    plan = Path(sys.argv[2])
    requests = json.loads(plan.read_text())
    large = itertools.cycle(request for request in requests if request["large"])
    summary, lock, over = Summary(), threading.Lock(), threading.Event()

    def rounds(make: Callable[[], Ask]) -> None:
        checks, ask = Checks(plan.parent), make()
        while not over.is_set():
            with lock:
                now = [*(request for request in requests if not request["large"]), next(large)]
            for request in now:
                version = failure = ""
                try:
                    for _ in range(request["tries"]):
                        answer = ask(request, checks.body(request))
                        if answer[0] == request["status"]:
                            break
                    version = checks.version(request, answer)
                except Exception as e:
                    failure = f"{request['name']}: {type(e).__name__}: {e}"
                with lock:
                    summary.count(request["name"], version, failure)
            print("round", flush=True)

    threads = [threading.Thread(target=rounds, args=(make,), daemon=True) for make in workers]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    over.set()
    for thread in threads:
        thread.join()
    print(json.dumps(vars(summary)))
