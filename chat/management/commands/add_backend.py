"""Register a backend by its address."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseFailure

from chat.backends import CheckFailed
from chat.models import Backend
from chat.registration import Registered, register

SHOWN = 20  # names of models; the others are counted


class Command(BaseCommand):
    help = (
        "Ask the server at URL what it is - a controller of LLaVA's or FastChat's kind, or an OpenAI-compatible "
        "server - and register it as a backend of the site. Said again, it brings the same backend up to date."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "url", metavar="URL", help="as http://10.0.0.5:21001 or https://api.example.org/v1"
        )
        parser.add_argument(
            "--name", default="", help="its name in the administration; default: its host and port"
        )
        parser.add_argument(
            "--key-variable",
            default="",
            metavar="VARIABLE",
            help="name of the environment variable that holds its key",
        )
        parser.add_argument(
            "--kind",
            default="",
            choices=[kind.value for kind in Backend.Kind if kind != Backend.Kind.BUILT_IN],
            help="what it is; default: found out",
        )
        parser.add_argument(
            "--take",
            action="append",
            default=[],
            metavar="PATTERN",
            help="models to take, * stands for anything; may be given again; default: all",
        )
        parser.add_argument(
            "--unchecked", action="store_true", help="register it without asking it; needs --kind"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            registered = register(
                options["url"],
                name=options["name"],
                key_variable=options["key_variable"],
                kind=options["kind"],
                taken="\n".join(options["take"]),
                unchecked=options["unchecked"],
            )
        except CheckFailed as error:
            raise CommandError(_told(error)) from None
        except DatabaseFailure as error:
            raise CommandError(
                f"the database does not take it: {' '.join(str(error).split())}; `manage.py doctor` tells more"
            ) from None
        self._tell(registered)

    def _tell(self, registered: Registered) -> None:
        backend, created, checked, program = registered
        verb = "registered" if created else "up to date"
        self.stdout.write(f"{backend.url} is {program}; {verb} as backend {backend.name!r}.")
        if not checked:
            self.stdout.write("It was not asked. `manage.py sync_models` does when it runs.")
            return
        self.stdout.write(f"It answered in {checked.seconds * 1000:.0f} ms, and serves:")
        for name in checked.models[:SHOWN]:
            self.stdout.write(f"  {name}")
        if len(checked.models) > SHOWN:
            self.stdout.write(f"  and {len(checked.models) - SHOWN} more")


def _told(error: CheckFailed) -> str:
    """Say what is wrong, and the next step, in a line or two."""
    steps = {
        "backend_is_worker": f"This site's own address for workers is {settings.MMCHAT_ORIGIN or 'http://HOST:PORT'}"
        f"/workers/{settings.MMCHAT_WORKER_SECRET}",
        "worker_key_missing": "This command reads the environment that it is started in.",
        "backend_lists_nothing": "Start a worker first, or say --unchecked and --kind.",
        "backend_lists_too_many": "Name them by --take PATTERN.",
        "worker_unauthorised": "Name the variable that holds the key by --key-variable.",
    }
    detail = f" ({error.detail})" if error.detail else ""
    step = f"\n{steps[error.code]}" if error.code in steps else ""
    return f"{error.code}: {error.text}{detail}{step}"
