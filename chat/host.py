"""What the host says and shows on the page, in the language that is active."""

import base64
import datetime
import logging
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from django.db.models.fields.files import FieldFile
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language

from chat.colours import in_the_dark
from chat.database import UNAVAILABLE
from chat.kept import Kept
from chat.models import Announcement, Example, ExamplePicture, SiteText, Terms

log = logging.getLogger(__name__)

PICTURE_TYPES = {
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
}
AHEAD = datetime.timedelta(days=1)  # open pages are told of announcements that begin within it


@dataclass
class HostRows:
    """What is stored of the host's words, in all languages."""

    site_text: SiteText = field(default_factory=SiteText)
    terms: Terms | None = None
    announcements: list[Announcement] = field(default_factory=list)
    examples: list[tuple[Example, list[ExamplePicture]]] = field(default_factory=list)


@dataclass
class Host:
    """What the page shows of them."""

    title: str
    logo: str  # address; empty: the site's own mark
    colours: str  # address of a stylesheet; empty: the site's own
    welcome: str  # Markdown, as the next two
    acknowledgements: str
    terms: str
    announcements: list[dict[str, Any]]
    examples: list[dict[str, Any]]


def stored() -> HostRows:
    """Give the rows as of the last second, or defaults where the database is away."""
    try:
        return _rows()
    except UNAVAILABLE:
        return HostRows()


@Kept
def _rows() -> HostRows:
    examples = Example.objects.filter(enabled=True).select_related("model").prefetch_related("pictures")
    return HostRows(
        SiteText.objects.prefetch_related("translations").first() or SiteText(),
        Terms.objects.in_force(),
        list(Announcement.objects.not_over()),
        [(example, list(example.pictures.all())) for example in examples],
    )


def host(rows: HostRows) -> Host:
    """Choose from the rows what is to be shown now, in the language that is active."""
    words = rows.site_text.words()
    return Host(
        title=words["title"],
        logo=_address_of_logo(rows.site_text.logo),
        colours=_address_of_colours(rows.site_text),
        welcome=words["welcome"],
        acknowledgements=words["acknowledgements"],
        terms=rows.terms.words()["text"] if rows.terms else "",
        announcements=[_announcement(row) for row in rows.announcements if _is_near(row)],
        examples=[_example(*row) for row in rows.examples if _is_spoken(row[0].language)],
    )


def in_templates(request: HttpRequest) -> dict[str, Any]:
    """Give every template the host as `host`, read only where it is used, and as `known_host`, which reads nothing.

    The second is for error pages: Django draws them in threads whose connections nobody closes.
    """
    return {
        "host": SimpleLazyObject(lambda: host(stored())),
        "known_host": SimpleLazyObject(lambda: host(_rows.last() or HostRows())),
    }


def _is_spoken(language: str) -> bool:
    return language in ("", get_language())


def _is_near(row: Announcement) -> bool:
    now = timezone.now()
    return _is_spoken(row.language) and row.starts <= now + AHEAD and (row.ends is None or row.ends > now)


def _announcement(row: Announcement) -> dict[str, Any]:
    # Seconds from now: clocks of visitors may be wrong.
    now = timezone.now()
    return {
        "id": row.pk,
        "text": row.text,
        "important": row.important,
        "starts_in": (row.starts - now).total_seconds(),
        "ends_in": (row.ends - now).total_seconds() if row.ends else None,
    }


def _example(row: Example, pictures: list[ExamplePicture]) -> dict[str, Any]:
    return {
        "question": row.question,
        "pictures": [
            {"url": _address_of_picture(picture), "description": picture.description} for picture in pictures
        ],
        "model": row.model.name if row.model else None,
        "parameters": row.parameters(),
    }


def _address_of_picture(picture: ExamplePicture) -> str:
    if not picture.file:
        return static(picture.shipped)
    return _in_place(picture.file) or reverse("chat:example_picture", args=[picture.pk])


def _address_of_logo(logo: FieldFile) -> str:
    if not logo:
        return ""
    return _in_place(logo) or reverse("chat:logo", args=[PurePath(logo.name or "").name])


def _in_place(file: FieldFile) -> str:
    """Give a file that is not stored yet, as in a preview, as an address that holds it."""
    if file._committed:  # type: ignore[attr-defined]  # what Django's own fields look at
        return ""
    content_type = PICTURE_TYPES.get(PurePath(file.name or "").suffix.lower(), "")
    file.seek(0)
    return f"data:{content_type};base64,{base64.b64encode(file.read()).decode()}"


def _address_of_colours(row: SiteText) -> str:
    if not row.accent:
        return ""
    dark = row.accent_dark or in_the_dark(row.accent)
    return reverse("chat:colours", args=[row.accent.lstrip("#"), dark.lstrip("#")])
