"""Why a picture is refused."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chat.refusals import Refused

# The HTTP status of the answer, and the words; `%(limit)s` is the limit that was broken.
REASONS: dict[str, tuple[int, Promise]] = {
    "image_missing": (400, _("Choose an image first.")),
    "image_empty": (400, _("This file is empty.")),
    "image_too_large": (413, _("This image is too large. Files may have up to %(limit)s MB.")),
    "image_too_many_pixels": (422, _("This image is too large. It may have up to %(limit)s megapixels.")),
    "image_side_too_long": (422, _("This image is too long. Each side may have up to %(limit)s pixels.")),
    "image_format": (415, _("This file is not an image of a kind that works here. Please use %(limit)s.")),
    "image_undecodable": (422, _("This image is damaged and can't be opened.")),
    "image_too_heavy": (422, _("This image takes too much work to open. A smaller copy of it may work.")),
    "image_blocked": (403, _("This image is not allowed here.")),
    "images_busy": (429, _("Many images are arriving just now. Please try again in a moment.")),
    "storage_full": (507, _("The site has no room for more images at the moment. Please try again later.")),
    "storage_unavailable": (503, _("The site can't store images at the moment. Please try again later.")),
}


class ImageRefused(Refused):
    """A picture is not taken, and nothing of it is kept.

    `code` is one of `REASONS`; `limit` the bound that was broken, where there is one; `status` the HTTP
    status of the answer. From 429 on, trying again later can help.
    """

    def __init__(self, code: str, limit: float | int | str | None = None) -> None:
        status, text = REASONS[code]
        if isinstance(limit, float) and limit.is_integer():
            limit = int(limit)
        super().__init__(code, text % {"limit": limit}, "image", limit)
        self.status = status


def error_of(refused: Refused) -> dict[str, float | int | str | None]:
    """Put a refusal into the form that every HTTP answer of the site has for errors."""
    return {"code": refused.code, "text": refused.text, "field": refused.field, "limit": refused.limit}
