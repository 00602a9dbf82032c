"""The demo worker's command line, one for `python -m chat.demo` and `manage.py demo_worker`."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chat.demo.faults import KINDS, Fault, parse_fault

MODEL_NAME = "mmchat-demo"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line said. `rate` is in tokens per second, 0 for as fast as possible."""

    controller_address: str = ""
    host: str = "127.0.0.1"
    port: int = 0
    worker_address: str = ""
    model_name: str = MODEL_NAME
    rate: float = 60
    fault: Fault | None = None
    allow_fault_requests: bool = False
    limit_model_concurrency: int = 5
    register: bool = True
    exit_with_parent: bool = False


def add_options(parser: argparse.ArgumentParser, controller_address: str) -> None:
    """Add the demo worker's options to a parser; the names they share with LLaVA's worker mean the same."""
    add = parser.add_argument
    add(
        "--controller-address",
        default=controller_address,
        metavar="URL",
        help="The controller to register with, its path included. An address given as the environment "
        "variable MMCHAT_CONTROLLER_ADDRESS shows in no list of processes.",
    )
    add("--host", default="127.0.0.1", help="The address to listen on. Default: 127.0.0.1.")
    add("--port", type=_port, default=0, help="The port to listen on. Default: a free one.")
    add(
        "--worker-address",
        default="",
        metavar="URL",
        help="The address under which the site reaches this worker. Default: where it listens.",
    )
    add("--model-name", default=MODEL_NAME, help=f"The model it says it serves. Default: {MODEL_NAME}.")
    add(
        "--rate",
        type=_rate,
        default=60.0,
        metavar="TOKENS_PER_SECOND",
        help="How fast it writes. 0: as fast as possible. Default: 60.",
    )
    add(
        "--limit-model-concurrency",
        type=_positive,
        default=5,
        metavar="N",
        help="How many replies it writes at once; further requests wait. Default: 5.",
    )
    add("--no-register", dest="register", action="store_false", help="Don't register with a controller.")
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
    add(
        "--exit-with-parent",
        action="store_true",
        help="End when the process that started this one has ended.",
    )


def read_options(values: Mapping[str, Any]) -> Options:
    """Pick the demo worker's options out of parsed arguments, which may hold others."""
    known = {name: values[name] for name in Options.__dataclass_fields__ if name in values}
    known["controller_address"] = known.get("controller_address", "").rstrip("/")
    known["worker_address"] = known.get("worker_address", "").rstrip("/")
    return Options(**known)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; it must be a number from 0 to 65535.")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1
    if not 0 <= rate <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no rate; it must be a number from 0 to 1000000.")
    return rate


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number of 1 or more.")
    return int(text)


def _fault(text: str) -> Fault:
    try:
        return parse_fault(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
