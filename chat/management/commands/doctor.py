"""Look at everything that the site stands on."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from chat.doctor.examination import Examined, examine
from chat.doctor.finding import State

STYLES = {State.OK: "SUCCESS", State.WARNING: "WARNING", State.WRONG: "ERROR"}


class Command(BaseCommand):
    help = (
        "Look at database, Redis, media, backends, keys, prompt templates, static files, clocks and settings, and say "
        "what is wrong and how to mend it. Exit status 1 where something is wrong."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")

    def handle(self, *args: Any, **options: Any) -> None:
        found = []
        for examined in examine():
            found.append(examined)
            if not options["json"]:
                self._tell(examined)
        states = [examined.finding.state for examined in found]
        if options["json"]:
            findings = [{"check": check, **finding._asdict()} for check, finding in found]
            self.stdout.write(json.dumps({"wrong": State.WRONG in states, "findings": findings}, indent=2))
        else:
            warnings = states.count(State.WARNING)
            told = "1 warning" if warnings == 1 else f"{warnings} warnings"
            self.stdout.write(f"{states.count(State.WRONG)} wrong, {told}.")
        if State.WRONG in states:
            sys.exit(1)

    def _tell(self, examined: Examined) -> None:
        state, text, mend = examined.finding
        styled = getattr(self.style, STYLES[state])(f"{state:<8}")
        self.stdout.write(f"{styled} {examined.check:<12}  {text}.")
        if mend:
            self.stdout.write(f"{'':<23}{mend}")
        self.stdout.flush()
