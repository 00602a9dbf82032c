"""Start a worker from its command line, by itself or as a command of the site."""

import argparse
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class CommandLine(NamedTuple):
    """A worker's command line: the package that it is, and how its options are added, read and run."""

    package: str
    description: str
    add_options: Callable[[argparse.ArgumentParser, str], None]
    read_options: Callable[[Mapping[str, Any]], Any]
    run: Callable[[Any], None]

    def add(self, parser: argparse.ArgumentParser, controller_address: str = "") -> None:
        """Add the options to a parser; an address in the environment wins over `controller_address`."""
        self.add_options(parser, os.environ.get("MMCHAT_CONTROLLER_ADDRESS", controller_address))

    def start(self, values: Mapping[str, Any]) -> None:
        """Run the worker by parsed arguments, which may hold others."""
        self.run(self.read_options(values))

    def main(self) -> None:
        """Parse the command line of `python -m PACKAGE`, and run the worker until told to end."""
        parser = argparse.ArgumentParser(prog=f"python -m {self.package}", description=self.description)
        self.add(parser)
        logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s", level=logging.INFO)
        self.start(vars(parser.parse_args()))
