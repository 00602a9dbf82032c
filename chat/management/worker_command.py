"""What the commands that run a worker have in common."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from chat.serving.command_line import CommandLine


class WorkerCommand(BaseCommand):
    """Run a worker, which registers with this site's own controller unless it is told another one."""

    command_line: CommandLine
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        here = f"http://127.0.0.1:{settings.MMCHAT_PORT}/workers/{settings.MMCHAT_WORKER_SECRET}"
        self.command_line.add(parser, here)

    def handle(self, *args: Any, **options: Any) -> None:
        self.command_line.start(options)
