"""Boxes of a vote, drawn on their pictures."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from chat.models import Upload


def marked_pictures(boxes: Sequence[dict[str, Any]]) -> SafeString | str:
    """Show each picture that has boxes with them on it; a dash for none."""
    by_upload: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for box in boxes:
        by_upload[box["image"]].append(box)
    pictures = Upload.objects.select_related("image").in_bulk(list(by_upload))
    drawn = [_drawn(upload, by_upload[str(upload.pk)]) for upload in pictures.values()]
    return format_html_join("", "{}", ((picture,) for picture in drawn)) or "–"


def _drawn(upload: Upload, boxes: Sequence[dict[str, Any]]) -> SafeString:
    size = {"width": upload.image.width, "height": upload.image.height}
    places = [{name: box[name] for name in ("x", "y", "width", "height")} for box in boxes]
    words = _("x, y, width, height: %(boxes)s") % {
        "boxes": "; ".join(", ".join(map(str, place.values())) for place in places)
    }
    return format_html(
        '<figure><svg class="marked" viewBox="0 0 {width} {height}" role="img" aria-label="{words}">'
        '<image href="{address}" width="{width}" height="{height}"/>{boxes}</svg>'
        "<figcaption>{words}</figcaption></figure>",
        **size,
        words=words,
        address=reverse("chat:image", args=[upload.pk]),
        boxes=format_html_join(
            "", '<rect x="{x}" y="{y}" width="{width}" height="{height}"/>', (place for place in places)
        ),
    )
