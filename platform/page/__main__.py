"""`python -m tenfold.platform.page`: the page of the local platform under a folder, or of a cluster's namespace."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from ..errors import PlatformError


def main() -> int:
    """Parse the options, serve until stopped, and say in one sentence what was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tenfold.platform.page", description=__doc__)
    of = parser.add_mutually_exclusive_group(required=True)
    of.add_argument("--state", type=Path, help="state folder of the local platform")
    of.add_argument("--namespace", help="namespace of a Kubernetes cluster")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=8081, help="port to listen on (default: %(default)s)")
    parser.add_argument("--prefix", type=_prefix, default="", help="path that requests arrive with, e.g. /app")
    options = parser.parse_args()

    # After the options, so that --help and a wrong option need not wait for the imports.
    from ..api import Platform
    from .app import create_app
    from .platform_source import PlatformSource
    from .server import run

    platform = Platform.local(options.state) if options.state else Platform.kubernetes(options.namespace)
    source = PlatformSource(platform)
    try:
        run(create_app(source, options.prefix), options.host, options.port)
    except PlatformError as e:
        print(e, file=sys.stderr)  # noqa: T201  # this is a command
        return 1
    finally:
        source.close()
    return 0


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port; write a number from 1 to 65535")
    return int(text)


def _prefix(text: str) -> str:
    if text in ("", "/"):
        return ""
    if not re.fullmatch(r"(/[\w.~-]+)+/?", text):
        raise argparse.ArgumentTypeError(f"'{text}' is not a path prefix; write one like /app")
    return text.rstrip("/")


if __name__ == "__main__":
    sys.exit(main())
