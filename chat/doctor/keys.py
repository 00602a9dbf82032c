"""Are the keys set that the site sends with its calls? Only names are ever told."""

from django.conf import settings

from chat.backends import key_of
from chat.doctor.finding import Finding, ok, warning, wrong
from chat.models import Backend, ModerationCheck
from chat.workers.errors import WorkerKeyMissing


def keys() -> list[Finding]:
    """Look at the environment variable of each enabled backend and content check, and at that of `--moderate`."""
    named = [
        each
        for kind in (Backend, ModerationCheck)
        for each in kind._default_manager.filter(enabled=True).exclude(key_variable="")
    ]
    findings = [_key(each) for each in named]
    if settings.MMCHAT_MODERATE and not settings.MMCHAT_MODERATION_KEY:
        text = "--moderate is on and MMCHAT_MODERATION_KEY is not set: the service may refuse every message"
        findings.append(warning(text, "Set it, and restart the site."))
    return findings or [ok("No backend and no content check wants one")]


def _key(sender: Backend | ModerationCheck) -> Finding:
    try:
        key_of(sender.key_variable)
    except WorkerKeyMissing as error:
        return wrong(
            f"{sender.name}: {error.detail}",
            "Set it where the site starts, and restart. This command reads the environment that it is started in.",
        )
    return ok(f"{sender.name}: {sender.key_variable} is set")
