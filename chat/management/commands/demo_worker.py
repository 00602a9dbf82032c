import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from chat.demo.options import add_options, read_options
from chat.demo.program import run


class Command(BaseCommand):
    """Run the demo worker: a worker process that answers from measurements instead of a neural network."""

    help = (
        "Run the demo worker, which registers with this site's built-in controller and answers from "
        "measurements of the pictures it is sent. It is no neural network, and says so."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        here = f"http://127.0.0.1:{settings.MMCHAT_PORT}/workers/{settings.MMCHAT_WORKER_SECRET}"
        add_options(parser, os.environ.get("MMCHAT_CONTROLLER_ADDRESS", here))

    def handle(self, *args: Any, **options: Any) -> None:
        run(read_options(options))
