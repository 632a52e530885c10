"""Takes out of an environment what only its libraries' own developers run: `python trim.py ENVIRONMENT`.

The Dockerfile runs this file alone, in the layer that installs them. The tests of these libraries are a fifth of the
serving image. It needs the standard library only.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

LIBRARIES = ("numpy", "pandas", "pyarrow", "scipy", "sklearn")


def trim(environment: Path) -> None:
    """Remove the tests, and headers that nothing compiles against."""
    for library in LIBRARIES:
        for packages in environment.glob(f"lib/python*/site-packages/{library}"):
            for tests in [folder for folder in packages.rglob("tests") if folder.is_dir()]:
                shutil.rmtree(tests, ignore_errors=True)  # one may lie in another
    for headers in environment.glob("lib/python*/site-packages/pyarrow/include"):
        shutil.rmtree(headers)


if __name__ == "__main__":
    trim(Path(sys.argv[1]))
