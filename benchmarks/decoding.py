"""Count honest pictures a second, decoded in children and in this process: `python -m benchmarks.decoding`, a minute.

Both ways two threads ask at once and the same function decodes, which also writes the PNG, the JPEG and the thumbnail
that are kept; in children each picture goes through a pipe, and so does what is made of it. The ways take turns.
"""

import argparse
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from statistics import median

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mmchat_site.settings")
django.setup()

from benchmarks.pictures import photograph  # noqa: E402  once Django is set up
from benchmarks.reports import Report  # noqa: E402
from benchmarks.tables import DECODING_COLUMNS, Row, table  # noqa: E402
from chat.images.decode import decode  # noqa: E402
from chat.images.pool import decoders  # noqa: E402

THREADS = 2
LIMITS = {"pixels": 25_000_000, "side": 8192}
# Width, height, and how many are decoded in one round.
SIZES = ((1024, 1024, 24), (4000, 3000, 6))
DIFFERENT = 4
WAYS: dict[str, Callable[[bytes], object]] = {
    "in children": lambda data: decoders.decode(data, **LIMITS),
    "in this process": lambda data: decode(data, **LIMITS),
}


def images_a_second(way: Callable[[bytes], object], pictures: list[bytes], number: int) -> float:
    with ThreadPoolExecutor(THREADS) as threads:
        began = time.monotonic()
        list(threads.map(way, islice(cycle(pictures), number)))
        return number / (time.monotonic() - began)


def measure(width: int, height: int, number: int, rounds: int) -> list[Row]:
    pictures = [photograph(seed, width, height) for seed in range(DIFFERENT)]
    rates: dict[str, list[float]] = {name: [] for name in WAYS}
    for way in WAYS.values():  # starts the children, and loads what Pillow loads late
        images_a_second(way, pictures, THREADS)
    for _ in range(rounds):
        for name, way in WAYS.items():
            rates[name].append(images_a_second(way, pictures, number))
    in_process = median(rates["in this process"])
    return [
        {
            "picture": f"{width:,} × {height:,}",
            "kilobytes": sum(map(len, pictures)) / len(pictures) / 1000,
            "way": name,
            "images_per_second": median(each),
            "megapixels_per_second": median(each) * width * height / 1e6,
            "of_in_process": median(each) / in_process,
            "slowest": min(each),
            "fastest": max(each),
        }
        for name, each in rates.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decoding", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of each way; default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    options = parser.parse_args()
    report = Report("decoding")
    rows = [row for size in SIZES for row in measure(*size, options.rounds)]
    report.write(options.json, runs=rows)
    print(f"{report.heading}\n\n{table(DECODING_COLUMNS, rows)}")


if __name__ == "__main__":
    main()
