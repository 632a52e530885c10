"""How many users there are at which moment of a run. Pure; `hooks.py` hands it to Locust second by second.

`constant` is Locust's own start with --users and --spawn-rate, `ramp` grows evenly over the run, `steps` climbs five
equal steps, which shows in the HTML report at how many users latency or errors begin to rise.
"""

import math

SHAPES = ("constant", "ramp", "steps")
STEPS = 5


def users_at(shape: str, elapsed: float, users: int, run_time: float) -> int | None:
    """Users wanted `elapsed` seconds into a run of `run_time` seconds; None when the run is over."""
    if elapsed >= run_time:
        return None
    done = elapsed / run_time
    if shape == "ramp":
        return max(1, math.ceil(users * done))
    if shape == "steps":
        return max(1, math.ceil(users * (math.floor(done * STEPS) + 1) / STEPS))
    return users
