"""Are the static files collected, all of them?"""

from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage

from chat.doctor.finding import Finding, ok, wrong

_MEND = "`manage.py serve` collects them at its start; `manage.py collectstatic` does it alone."


def static() -> list[Finding]:
    """Look for each static file of the site in what was collected last."""
    if not isinstance(staticfiles_storage, ManifestFilesMixin):
        return [ok("They are served as they are (MMCHAT_DEBUG)")]
    sources = [
        str(path.relative_to(root))
        for root in map(Path, settings.STATICFILES_DIRS)
        for path in root.rglob("*")
        if path.is_file()
    ]
    collected = staticfiles_storage.hashed_files
    if not collected:
        return [wrong(f"None are collected in {settings.STATIC_ROOT}", _MEND)]
    missing = [
        name for name in sources if name not in collected or not staticfiles_storage.exists(collected[name])
    ]
    if missing:
        return [
            wrong(f"{len(missing)} are missing in {settings.STATIC_ROOT}, {sorted(missing)[0]} first", _MEND)
        ]
    return [ok(f"{len(collected)} are collected in {settings.STATIC_ROOT}")]
