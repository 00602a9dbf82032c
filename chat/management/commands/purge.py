"""Remove for good what visitors deleted, and what is older than the host wants to keep."""

from typing import Any

from django.core.management.base import BaseCommand

from chat.purge import purge, sweep


class Command(BaseCommand):
    help = (
        "Remove conversations and visitors that were deleted MMCHAT_KEEP_DELETED_DAYS ago, those older than "
        "MMCHAT_KEEP_DAYS, and pictures that nothing shows. A running site does this by itself every hour."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        gone = purge() | sweep()
        self.stdout.write("Removed: " + ", ".join(f"{number:,} {kind}" for kind, number in gone.items()))
