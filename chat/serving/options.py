"""The options that every worker process takes; the names they share with LLaVA's worker mean the same."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingOptions:
    """What the command line said of where to listen, what to register as, and how much to do at once."""

    controller_address: str = ""
    host: str = "127.0.0.1"
    port: int = 0
    worker_address: str = ""
    model_name: str
    limit_model_concurrency: int = 5
    register: bool = True
    exit_with_parent: bool = False


Options = TypeVar("Options", bound=ServingOptions)


def add_serving_options(
    parser: argparse.ArgumentParser, controller_address: str, model_name: str, named_by: str
) -> None:
    """Add them to a parser; `named_by` says in words what the model's name is by default."""
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
    add("--model-name", default=model_name, help=f"The model it says it serves. Default: {named_by}.")
    add(
        "--limit-model-concurrency",
        type=positive,
        default=5,
        metavar="N",
        help="How many replies it writes at once; further requests wait. Default: 5.",
    )
    add("--no-register", dest="register", action="store_false", help="Don't register with a controller.")
    add(
        "--exit-with-parent",
        action="store_true",
        help="End when the process that started this one has ended.",
    )


def read_values(kind: type[Options], values: Mapping[str, Any]) -> Options:
    """Pick a worker's options out of parsed arguments, which may hold others."""
    known = {name: values[name] for name in kind.__dataclass_fields__ if name in values}
    for name in ("controller_address", "worker_address"):
        known[name] = known.get(name, "").rstrip("/")
    return kind(**known)


def positive(text: str) -> int:
    """Read a whole number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number of 1 or more.")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; it must be a number from 0 to 65535.")
    return int(text)
