"""`python -m tenfold.platform.kubernetes.password`: makes the database's password, in the Job of `password.yaml`."""

from __future__ import annotations

import sys

from ..errors import PlatformError
from .api import Api
from .secret import make


def main() -> int:
    """Make it unless it is there, and say which."""
    try:
        made = make(Api())
    except PlatformError as e:
        sys.stderr.write(f"Error: {e}\n")
        return 1
    sys.stdout.write("The password was made.\n" if made else "There is a password already; it stays.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
