"""What extras of tenfold need, read from pyproject.toml: `python requirements.py pyproject.toml serving training`.

The Dockerfile runs this file alone, before tenfold's own code is there, so that the layers with everything that is
installed stay as they are while the code changes. It needs the standard library only.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_OWN = re.compile(r"tenfold\[(?P<extras>[^]]+)]")


def requirements(project: Mapping[str, Any], extras: Iterable[str]) -> list[str]:
    """The requirements of tenfold and of these extras, with those of the extras that they name, each once.

    Args:
        project: the table `project` of pyproject.toml.
        extras: names of optional dependencies; one that does not exist is a KeyError.
    """
    found: dict[str, None] = dict.fromkeys(project["dependencies"])
    for extra in extras:
        for requirement in project["optional-dependencies"][extra]:
            own = _OWN.fullmatch(requirement)
            inner = requirements(project, re.split(r"\s*,\s*", own["extras"])) if own else [requirement]
            found.update(dict.fromkeys(inner))
    return list(found)


def main() -> None:
    """Print a requirement a line."""
    file, *extras = sys.argv[1:]
    project = tomllib.loads(Path(file).read_text(encoding="utf-8"))["project"]
    sys.stdout.writelines(f"{line}\n" for line in requirements(project, extras))


if __name__ == "__main__":
    main()
