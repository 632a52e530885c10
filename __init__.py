"""tenfold: serve a scikit-learn model from ten replicas, retrain it every night, roll out only what is better.

The public face. Names are imported on first use, so that `import tenfold` and `tenfold --help` stay quick and
an installation with only the `serving` extra never needs what the platform needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .platform.api import Platform as Platform
    from .platform.service import Service as Service
    from .platform.spec import ServiceSpec as ServiceSpec
    from .serving.client import AsyncClient as AsyncClient
    from .serving.client import Client as Client

__version__ = "0.1.0"

_HOMES = {
    "Platform": ".platform.api",
    "Service": ".platform.service",
    "ServiceSpec": ".platform.spec",
    "Client": ".serving.client",
    "AsyncClient": ".serving.client",
}
__all__ = ["AsyncClient", "Client", "Platform", "Service", "ServiceSpec", "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tenfold' has no attribute '{name}'; it has {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name], __name__), name)
