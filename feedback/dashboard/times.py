"""Times to the first token in classes, so that percentiles of many hours can be had from counts.

A class ends 10 % above the one before it; a percentile is the middle of its class, at most 5 % off. (The sketch of
Masson, Rim and Lee, "DDSketch", VLDB 2019, with all of its classes kept.)
"""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

RATIO = 1.1


def time_class(milliseconds: float) -> int:
    """Give the class of a time; 0 for a millisecond or less."""
    # Rounded, or the end of a class might fall into the next one.
    return max(0, math.ceil(round(math.log(max(milliseconds, 1.0), RATIO), 9)))


def milliseconds_of(number: int) -> float:
    """Give a time that is at most 5 % off all times of a class."""
    return 2 * RATIO**number / (1 + RATIO) if number else 1.0


def percentile(classes: Mapping[int, int], share: float) -> float | None:
    """Give the milliseconds within which `share` (0 to 1) of the counted times lie; None without any."""
    rank = math.ceil(share * sum(classes.values()))
    for number in sorted(classes):
        rank -= classes[number]
        if rank <= 0:
            return milliseconds_of(number)
    return None


def merged(stored: Iterable[str]) -> Counter[int]:
    """Add counts as the database has them: each a JSON object with text for keys, which hold the class."""
    counts: defaultdict[str, int] = defaultdict(int)
    # Read as one text: tens of thousands of them, each by itself, would take several times as long.
    for found in json.loads(f"[{','.join(stored)}]"):
        for number, count in found.items():
            counts[number] += count
    return Counter({int(number): count for number, count in counts.items()})
