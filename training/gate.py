"""The decision: is the challenger better enough to take the champion's place? Pure, on numbers alone.

It looks at more than one metric, since a model can rank better while its probabilities get much worse, and the other
way round.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from .evaluate import LOWER_IS_BETTER


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to promote, and why, in a sentence with the numbers."""

    promote: bool
    reason: str


def decide(
    champion: Mapping[str, float], challenger: Mapping[str, float], *, min_improvement: float, tolerance: float
) -> Decision:
    """Promote if the first metric is better by at least `min_improvement` and no other worse by more than `tolerance`.

    Args:
        champion: metrics by name; the first is the one to improve.
        challenger: the same metrics.
        min_improvement: relative to the champion's value, as is `tolerance`; equal is never better.
    """
    gains = {name: improvement(name, before, challenger[name]) for name, before in champion.items()}
    first, *others = champion
    words = {name: _words(name, champion[name], challenger[name], gain) for name, gain in gains.items()}
    if not (gains[first] > 0 and gains[first] >= min_improvement):
        return Decision(False, f"{words[first]}, and a promotion needs {min_improvement:.2%} better")
    for name in others:
        if not gains[name] >= -tolerance:
            return Decision(False, f"{words[first]}, but {words[name]}, and {tolerance:.2%} worse is tolerated")
    return Decision(True, ", ".join(words.values()))


def improvement(name: str, before: float, after: float) -> float:
    """How much better, relative to the value before: 0.1 is a tenth better, negative is worse; NaN if one is NaN."""
    gain = before - after if name in LOWER_IS_BETTER else after - before
    if before == 0:
        return 0.0 if gain == 0 else math.copysign(math.inf, gain) if not math.isnan(gain) else gain
    return gain / abs(before)


def _words(name: str, before: float, after: float, gain: float) -> str:
    if math.isnan(gain):
        how = "no number"
    elif gain == 0:
        how = "equal"
    else:
        how = f"{abs(gain):.2%} {'better' if gain > 0 else 'worse'}"
    return f"{name} {before:.4g} -> {after:.4g} ({how})"
