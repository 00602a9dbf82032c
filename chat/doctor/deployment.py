"""Is the site fit to be reached by others: its address, its secret key, the proxy in front of it?"""

import os
from pathlib import Path

from django.conf import settings
from django.core import checks

from chat.doctor.finding import Finding, ok, warning, wrong

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_LEAST_KEY_CHARACTERS = 50  # as Django's own check has it
_LEAST_DIFFERENT = 5
_LOOKED_AT = ("security.W009", "security.W018")  # secret key and debugging, of which more is said here


def deployment() -> list[Finding]:
    """Look at the settings that matter where strangers come."""
    return [*_address(), _secret_key(), *_of_django()]


def _address() -> list[Finding]:
    if settings.DEBUG:
        return [warning("MMCHAT_DEBUG shows settings and code to whoever meets an error", "Switch it off.")]
    origin = settings.MMCHAT_ORIGIN
    if not origin:
        if settings.MMCHAT_HOST in _LOOPBACK:
            return [ok("The site is for this machine alone")]
        return [
            warning(
                "MMCHAT_URL is not set: the site knows only this machine's own names, and cookies may go without HTTPS",
                "Set it to the public address, as https://chat.example.org.",
            )
        ]
    if not origin.startswith("https://"):
        return [warning(f"{origin} is not HTTPS", "Put a proxy with a certificate in front: docs/deploy.md.")]
    if not settings.MMCHAT_TRUSTED_PROXIES:
        return [
            warning(
                "MMCHAT_TRUSTED_PROXIES is not set: all visitors seem to come from the proxy's address",
                "Set it to the networks of the proxies in front of the site.",
            )
        ]
    return [ok(f"{origin}, behind proxies that are trusted")]


def _secret_key() -> Finding:
    key = settings.SECRET_KEY
    mend = "Leave MMCHAT_SECRET_KEY out, and the site makes one; or set it to 50 random characters."
    if len(key) < _LEAST_KEY_CHARACTERS or len(set(key)) < _LEAST_DIFFERENT:
        return wrong("The secret key is short or too regular: whoever guesses it is administrator", mend)
    file = Path(settings.MMCHAT_DATA_DIR) / "secret_key"
    if not os.environ.get("MMCHAT_SECRET_KEY") and file.exists() and file.stat().st_mode & 0o077:
        return warning(f"Other users of this machine can read {file}", f"chmod 600 {file}")
    return ok("The secret key is long enough, and kept to itself")


def _of_django() -> list[Finding]:
    """Run Django's own checks; those of deployment only where the address says that this is one."""
    messages = checks.run_checks(include_deployment_checks=settings.MMCHAT_ORIGIN.startswith("https://"))
    return [
        (wrong if message.is_serious() else warning)(
            f"{message.id}: {message.msg}".rstrip("."), str(message.hint or "See docs/deploy.md.")
        )
        for message in messages
        if not message.is_silenced() and message.id not in _LOOKED_AT
    ]
