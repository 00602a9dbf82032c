"""The demo worker's command line, one for `python -m chat.demo` and `manage.py demo_worker`."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chat.demo.faults import KINDS, Fault, parse_fault
from chat.serving.options import ServingOptions, add_serving_options, read_values

MODEL_NAME = "mmchat-demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(ServingOptions):
    """What the command line said. `rate` is in tokens per second, 0 for as fast as possible."""

    model_name: str = MODEL_NAME
    rate: float = 60
    fault: Fault | None = None
    allow_fault_requests: bool = False


def add_options(parser: argparse.ArgumentParser, controller_address: str) -> None:
    """Add the demo worker's options to a parser."""
    add_serving_options(parser, controller_address, MODEL_NAME, MODEL_NAME)
    add = parser.add_argument
    add(
        "--rate",
        type=_rate,
        default=60.0,
        metavar="TOKENS_PER_SECOND",
        help="How fast it writes. 0: as fast as possible. Default: 60.",
    )
    add(
        "--fault",
        type=_fault,
        default=None,
        metavar="KIND[@N]",
        help=f"Misbehave in every reply, after N tokens, for tests: {', '.join(KINDS)}.",
    )
    add(
        "--allow-fault-requests",
        action="store_true",
        help="Let a question ask for a fault: [[fault:KIND@N]] anywhere in it. For tests only.",
    )


def read_options(values: Mapping[str, Any]) -> Options:
    """Pick the demo worker's options out of parsed arguments, which may hold others."""
    return read_values(Options, values)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1
    if not 0 <= rate <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no rate; it must be a number from 0 to 1000000.")
    return rate


def _fault(text: str) -> Fault:
    try:
        return parse_fault(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
