"""How tenfold's cost grows with rows in a request, with the size of the model, and with replicas: the other run."""

from __future__ import annotations

from dataclasses import replace

from . import workloads
from .protocols import V2
from .servers import PLAIN_TENFOLD, TENFOLD_TWO

_ONE = replace(PLAIN_TENFOLD, asks=dict.fromkeys((*workloads.ROWS, *workloads.TREES), (V2,)))
_TWO = replace(TENFOLD_TWO, asks=dict.fromkeys((workloads.ROWS[0], workloads.ROWS[2]), (V2,)))
ALL = (_ONE, _TWO)
