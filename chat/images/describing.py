"""What visitors say that their pictures show: the alternative text, for those who can't see them."""

import uuid

from django.utils.translation import gettext as _

from chat.failures import failure
from chat.images.store import without_controls
from chat.models import Stage, Upload
from chat.moderation.checks import Subject
from chat.moderation.pipeline import run
from chat.moderation.stored import checks_for
from chat.moderation.verdicts import FLAGGED, HELD
from chat.refusals import Refused

LONGEST = 300  # characters


def describe(visitor_key: uuid.UUID, upload_id: uuid.UUID, text: str) -> str:
    """Store the description of a visitor's own picture, "" for none; gives it as it is stored, in one line.

    Public links show it, so it goes through the content check. Asks the network: call it off the event loop.
    Raises `Refused`.
    """
    text = without_controls(" ".join(text.split()))
    if len(text) > LONGEST:
        words = _("The description has %(length)s characters; at most %(limit)s are allowed.")
        raise Refused(
            "description_too_long", words % {"length": len(text), "limit": LONGEST}, "description", LONGEST
        )
    own = Upload.objects.owned_by(visitor_key).filter(pk=upload_id)
    if not own.exists():
        raise Refused("not_found", _("This image does not exist."), "image")
    code = run(checks_for(Stage.MESSAGE), Subject(Stage.MESSAGE, text)).code
    if code:
        # Nobody reviews descriptions, so one that would be held is not taken.
        told = failure(FLAGGED if code == HELD else code)
        raise Refused(told.code if told else code, told.text if told else "", "description")
    own.update(description=text)
    return text
