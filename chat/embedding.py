"""Which sites may show the page in a frame."""

from django.conf import settings
from django.http import HttpResponse

from chat.kept import Kept
from chat.models import EmbeddingSite


def origins() -> list[str]:
    """Give the origins that may: of the setting, and of the administration, whose changes count within a second."""
    return list(dict.fromkeys([*settings.MMCHAT_EMBED_ORIGINS, *_kept_origins()]))


def known_origins() -> list[str]:
    """Give the origins as they were read last, and read nothing."""
    return list(dict.fromkeys([*settings.MMCHAT_EMBED_ORIGINS, *(_kept_origins.last() or ())]))


def allow_frames(response: HttpResponse, of: list[str]) -> None:
    """Let pages of these origins show a response in a frame, and nobody else."""
    # What Django's and django-csp's own decorators set.
    response.xframe_options_exempt = True
    response._csp_replace = {"frame-ancestors": of or ["'none'"]}  # type: ignore[attr-defined]


def _origins() -> list[str]:
    return list(EmbeddingSite.objects.values_list("origin", flat=True))


_kept_origins = Kept(_origins)
