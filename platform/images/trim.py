"""Takes out of an environment what nothing that runs needs: `python trim.py ENVIRONMENT`.

The Dockerfile runs this file alone, in the layer that installs the libraries. A fifth of the serving image would be
tests of numpy, pandas, scipy and scikit-learn. It needs the standard library only.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

# Their tests are for their own developers.
TESTED = ("numpy", "pandas", "pyarrow", "scipy", "sklearn")
# Headers that nothing compiles against; a client of Kubernetes for asyncio, 68 MB, beside the one that is used; a
# plug-in for JupyterLab.
UNUSED = ("pyarrow/include", "kubernetes/aio", "plotly/labextension")


def trim(environment: Path) -> None:
    """Remove them; what is not there need not be."""
    for packages in environment.glob("lib/python*/site-packages"):
        for folder in list(_superfluous(packages)):
            shutil.rmtree(folder, ignore_errors=True)  # one may have lain in another


def _superfluous(packages: Path) -> Iterator[Path]:
    for library in TESTED:
        yield from (packages / library).rglob("tests")
    for name in UNUSED:
        yield packages / name


if __name__ == "__main__":
    trim(Path(sys.argv[1]))
