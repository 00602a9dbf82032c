"""Does each content check give an answer?"""

from django.conf import settings

from chat.doctor.finding import Finding, ok, warning, wrong
from chat.images.unstored import unstored
from chat.models import ModerationCheck, Stage
from chat.moderation.checks import Check, Subject
from chat.moderation.pipeline import decide
from chat.moderation.stored import check_of, first_checks, made_ready
from chat.moderation.verdicts import Outcome

_PICTURE = settings.BASE_DIR / "static" / "examples" / "shapes.png"


def moderation() -> list[Finding]:
    """Ask each enabled content check about a greeting, and about a picture that the site ships."""
    stored = map(check_of, ModerationCheck.objects.filter(enabled=True).in_order())
    checks = [*first_checks(), *stored]
    return [_asked(made_ready(check)) for check in checks] or [ok("There is no content check")]


def _asked(check: Check) -> Finding:
    name, is_closed = check.row.name, check.row.when_down == ModerationCheck.WhenDown.CLOSED
    images = [unstored(_PICTURE.read_bytes())] if check.row.on_images else []
    decision = decide(check, Subject(Stage.MESSAGE, "Hello", images))
    if decision is None or decision.outcome not in (Outcome.UNAVAILABLE_REFUSED, Outcome.UNAVAILABLE_ALLOWED):
        return ok(f"{name} answers")
    told, mend = f"{name} gives no answer: {decision.detail}", "See docs/moderation.md for what it needs."
    if is_closed and not check.row.dry_run:
        return wrong(f"{told}. All that it is to check is refused", mend)
    return warning(f"{told}. What it is to check passes", mend)
