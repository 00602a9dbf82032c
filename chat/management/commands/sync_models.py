"""Read the lists of models of all backends, and say what they hold."""

from typing import Any

from django.core.management.base import BaseCommand

from chat.models import Backend, ChatModel
from chat.registry import read_lists


class Command(BaseCommand):
    help = "Read each backend's list of models now, as `serve` does at its start, and print what came."

    def handle(self, **options: Any) -> None:
        read_lists()
        for backend in Backend.objects.filter(enabled=True):
            self.stdout.write(f"{backend.name}: {backend.last_error or 'reached'}")
        names = list(ChatModel.objects.usable().in_page_order().values_list("name", flat=True))
        for name in names:
            self.stdout.write(f"  {name}")
        if not names:
            self.stdout.write("  no model is listed now")
