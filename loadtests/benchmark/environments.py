"""Virtual environments, one per peer, made once and kept: what `peers/NAME.txt` pins, and nothing of tenfold.

A change of that file makes the environment anew. The name "" is the environment that the benchmark itself runs in.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from .errors import EnvironmentUnusable

PEERS = Path(__file__).with_name("peers")
CACHE = Path.home() / ".cache" / "tenfold-benchmark"
_MADE = "made-from"


class Environments:
    """The environments under one folder.

    Args:
        cache: where they are kept.
        progress: told a line before what takes long.
    """

    def __init__(self, cache: Path, progress: Callable[[str], None]) -> None:
        self._cache, self._progress = cache, progress

    def python(self, name: str) -> Path:
        """The Python of an environment, which is made first if need be.

        Raises:
            EnvironmentUnusable: pip cannot install what it should.
        """
        if not name:
            return Path(sys.executable)
        requirements = PEERS / f"{name}.txt"
        folder = self._cache / name
        wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
        made, python = folder / _MADE, folder / "bin" / "python"
        if made.is_file() and made.read_text() == wanted:
            return python
        self._progress(f"installing {name} into {folder}")
        shutil.rmtree(folder, ignore_errors=True)
        _run(name, [sys.executable, "-m", "venv", str(folder)])
        _run(
            name,
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(requirements)],
        )
        made.write_text(wanted)
        return python

    def versions(self, name: str, packages: Sequence[str]) -> dict[str, str]:
        """The versions of some packages in an environment."""
        code = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]), sep='\\n')"
        said = _run(name, [str(self.python(name)), "-c", code, *packages])
        return dict(zip(packages, said.split(), strict=True))


def _run(name: str, command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        last = " / ".join(done.stderr.strip().splitlines()[-3:])
        raise EnvironmentUnusable(
            f"The environment '{name}' cannot be made: '{' '.join(command[1:4])}' ended with exit code "
            f"{done.returncode} ({last}). "
            f"Mend what it names, or leave the peer out with --only"
        )
    return done.stdout
