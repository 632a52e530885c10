"""Which part may import which: read from the source, so that a wrong import fails `make lint`.

import-linter would be the usual tool, but it sees only packages with an `__init__.py`, and `platform/` must not have
one (it would shadow the standard library's `platform`).
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

# A part may import itself and what stands behind it.
MAY_IMPORT = {
    "serving": (),
    "training": ("serving",),
    "loadtests": ("serving", "training"),
    "platform": ("training", "serving", "loadtests", "k8s"),
}
# Inside the server: each ring may import those after it, never those before it.
RINGS = (
    ("serving.server",),
    ("serving.app", "serving.rpc"),
    ("serving.connection",),
    ("serving.http1",),
    ("serving.middleware",),
    ("serving.protocols",),
    ("serving.exchange",),
    ("serving.context",),
    ("serving.core",),
    ("serving.model",),
    ("serving.trust",),
)
# Top-level packages that only the named part may import at all.
ONLY_IN = {
    "kubernetes": ("platform.kubernetes",),
    "locust": ("loadtests",),
    "typer": ("platform.cli",),
    "apscheduler": ("platform.local",),
    "hpack": ("serving.rpc",),
    "grpc": ("loadtests.benchmark.rpc", "loadtests.fuzz.rpc"),
}
# Anyone who can send bytes to these must find no door to running code.
NEVER_IN_SERVING = {"pickle", "cloudpickle", "joblib", "dill"}


def imports(root: Path, file: Path) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything the file imports; names within tenfold without their `tenfold.`."""
    package = file.relative_to(root).parent.parts
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, name.name.removeprefix("tenfold.")
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = (*base, *([node.module] if node.module else ()))
            for name in node.names:
                yield node.lineno, ".".join((*module, name.name)).removeprefix("tenfold.")


def violations(root: Path) -> Iterator[str]:
    """A sentence for every import in the wrong direction below `root`."""
    for part in MAY_IMPORT:
        for file in sorted((root / part).rglob("*.py")):
            module = ".".join(file.relative_to(root).with_suffix("").parts)
            for line, name in imports(root, file):
                reason = _wrong(part, module, name)
                if reason:
                    yield f"{file.relative_to(root)}:{line}: {module} imports {name}: {reason}"


def _wrong(part: str, module: str, name: str) -> str:
    top = name.partition(".")[0]
    if top in MAY_IMPORT and top != part and top not in MAY_IMPORT[part]:
        return f"{part} may import {', '.join((part, *MAY_IMPORT[part]))} only"
    if top in ONLY_IN and not _within(module, ONLY_IN[top]):
        return f"only {', '.join(ONLY_IN[top])} may import {top}"
    if part == "serving" and top in NEVER_IN_SERVING:
        return "what a request can reach never unpickles"
    own = next((n for n, ring in enumerate(RINGS) if _within(module, ring)), None)
    other = next((n for n, ring in enumerate(RINGS) if _within(name, ring)), None)
    if own is not None and other is not None and other < own:
        return f"{RINGS[own][0]} lies inside {RINGS[other][0]} and must not know it"
    return ""


def _within(module: str, parents: tuple[str, ...]) -> bool:
    return any(module == parent or module.startswith(parent + ".") for parent in parents)


if __name__ == "__main__":
    found = list(violations(Path(__file__).parent.parent))
    sys.stderr.writelines(f"{sentence}\n" for sentence in found)
    sys.exit(1 if found else 0)
