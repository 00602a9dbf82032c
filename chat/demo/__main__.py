"""Run the demo worker without Django: `python -m chat.demo --controller-address URL`."""

import argparse
import logging
import os

from chat.demo.options import add_options, read_options
from chat.demo.program import run


def main() -> None:
    """Parse the command line and serve until told to end."""
    parser = argparse.ArgumentParser(prog="python -m chat.demo", description="Run mmchat's demo worker.")
    add_options(parser, os.environ.get("MMCHAT_CONTROLLER_ADDRESS", ""))
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s", level=logging.INFO)
    run(read_options(vars(parser.parse_args())))


if __name__ == "__main__":
    main()
