"""How sure a share is."""

import math
from typing import NamedTuple

Z = 1.959963984540054  # 95 % of a normal distribution lie within so many standard deviations


class Share(NamedTuple):
    """A share and the ends of its 95 % interval, each from 0 to 1."""

    low: float
    value: float
    high: float


def wilson(successes: int, trials: int) -> Share:
    """Give the share with Wilson's score interval, which holds for few trials and for 0 and 100 % too.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    Raises ZeroDivisionError without trials.
    """
    value = successes / trials
    middle = (value + Z * Z / (2 * trials)) / (1 + Z * Z / trials)
    half = Z * math.sqrt(value * (1 - value) / trials + Z * Z / (4 * trials * trials)) / (1 + Z * Z / trials)
    return Share(max(0.0, middle - half), value, min(1.0, middle + half))
