"""Make one export that was asked for in the admin or over the API; the site starts this by itself."""

import argparse
import uuid
from typing import Any

from django.core.management.base import BaseCommand

from feedback.exports import make


class Command(BaseCommand):
    help = "Make one export that was asked for; a running site starts this by itself."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("export", type=uuid.UUID, help="id of the export")
        parser.add_argument("owner", type=uuid.UUID, help="for whom it was claimed")

    def handle(self, *args: Any, **options: Any) -> None:
        make(options["export"], options["owner"])
