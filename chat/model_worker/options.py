"""The model worker's command line, one for `python -m chat.model_worker` and `manage.py run_worker`."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from chat.serving.options import ServingOptions, add_serving_options, read_values

DTYPES = ("auto", "float32", "float16", "bfloat16")
_MOST_SEED = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(ServingOptions):
    """What the command line said. An empty `device` is the best there is; "auto" spreads over all GPUs."""

    model: str
    device: str = ""
    dtype: str = "auto"
    trust_remote_code: bool = False
    seed: int | None = None


def add_options(parser: argparse.ArgumentParser, controller_address: str) -> None:
    """Add the model worker's options to a parser."""
    add = parser.add_argument
    add(
        "--model",
        required=True,
        metavar="PATH_OR_NAME",
        help="The model: a folder, or its name at the Hugging Face Hub.",
    )
    add(
        "--device",
        default="",
        help="Where it computes: cpu, cuda, cuda:1, mps, or auto to spread the model over all GPUs. "
        "Default: the first GPU, else the processor.",
    )
    add(
        "--dtype",
        choices=DTYPES,
        default="auto",
        help="The type of its numbers. Default: auto, the one that the model is stored in.",
    )
    add(
        "--trust-remote-code",
        action="store_true",
        help="Run Python code that comes with the model. Read it first.",
    )
    add(
        "--seed",
        type=_seed,
        default=None,
        metavar="N",
        help="Begin each reply with this seed, so that a question gets the same answer again; one reply at a time.",
    )
    add_serving_options(parser, controller_address, "", "the last part of --model")


def read_options(values: Mapping[str, Any]) -> Options:
    """Pick the model worker's options out of parsed arguments, which may hold others."""
    known = {**values, "model_name": values.get("model_name") or name_of(values["model"])}
    if known.get("seed") is not None:
        # Replies share one generator of random numbers.
        known["limit_model_concurrency"] = 1
    return read_values(Options, known)


def name_of(model: str) -> str:
    """Name a model as LLaVA's worker does: by its last part, for a checkpoint with the part before."""
    parts = PurePosixPath(model.replace("\\", "/")).parts or (model,)
    return "_".join(parts[-2:]) if parts[-1].startswith("checkpoint-") else parts[-1]


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) > _MOST_SEED:
        raise argparse.ArgumentTypeError(f"{text!r} is no seed; it must be a whole number of 0 or more.")
    return int(text)
