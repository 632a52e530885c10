"""What can go wrong between tenfold and a cluster.

PlatformError
└── KubernetesError          root; what the cluster said that has no better name
    ├── ClusterUnreachable   no configuration, or the API server does not answer
    ├── NotAllowed           the user's or the service account's rights do not reach
    ├── NotFound             no such object, or no such kind
    ├── FieldConflict        another manager holds a field with another value
    ├── NotReachable         no pod that a port could be forwarded to
    └── NightUnfinished      a night's Job ended without a decision
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import PlatformError


class KubernetesError(PlatformError):
    """Root; what the cluster said."""


class ClusterUnreachable(KubernetesError):
    """No configuration, or the API server does not answer."""


class NotAllowed(KubernetesError):
    """The rights do not reach."""


class NotFound(KubernetesError):
    """No such object, or the cluster knows no such kind."""


class FieldConflict(KubernetesError):
    """Another manager holds a field with another value."""

    def __init__(self, what: str, causes: Sequence[tuple[str, str]]) -> None:
        self.causes = tuple(causes)
        fields = "; ".join(f"{field} ({said})" for field, said in causes)
        super().__init__(
            f"{what} has fields that another manager set to another value: {fields}. "
            "Let that manager leave them alone, or take them over once: tenfold --target kubernetes render NAME | "
            "kubectl apply --server-side --force-conflicts --field-manager=tenfold -f -"
        )


class NotReachable(KubernetesError):
    """No ready pod that a port could be forwarded to."""


class NightUnfinished(KubernetesError):
    """A night's Job ended without a decision."""
