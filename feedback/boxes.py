"""Parts of pictures to which a vote points."""

import uuid
from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.events import Box
from chat.models import Image, Message, MessageImage
from chat.refusals import Refused
from feedback.limits import MAX_BOXES, MIN_BOX_PIXELS


def check_boxes(reply: Message, boxes: Sequence[Box]) -> None:
    """Raise `Refused` unless each box is a part, large enough, of a picture that led to this reply."""
    if len(boxes) > MAX_BOXES:
        raise Refused(
            "too_many_boxes",
            ngettext(
                "At most %(limit)s box can be drawn.", "At most %(limit)s boxes can be drawn.", MAX_BOXES
            )
            % {"limit": MAX_BOXES},
            "boxes",
            MAX_BOXES,
        )
    pictures = _pictures(reply) if boxes else {}
    for box in boxes:
        picture = pictures.get(box.image)
        if picture is None:
            raise Refused(
                "box_image_unknown", _("This image does not belong to what the reply answers."), "boxes"
            )
        if box.x < 0 or box.y < 0 or box.x + box.width > picture.width or box.y + box.height > picture.height:
            raise Refused(
                "box_outside",
                _("A box must lie inside its image, which has %(width)s × %(height)s pixels.")
                % {"width": picture.width, "height": picture.height},
                "boxes",
                f"{picture.width}×{picture.height}",
            )
        if box.width < min(MIN_BOX_PIXELS, picture.width) or box.height < min(MIN_BOX_PIXELS, picture.height):
            raise Refused(
                "box_too_small",
                _("A box must be at least %(limit)s pixels wide and high.") % {"limit": MIN_BOX_PIXELS},
                "boxes",
                MIN_BOX_PIXELS,
            )


def _pictures(reply: Message) -> dict[uuid.UUID, Image]:
    """Give the pictures of the messages that led to a reply, by the ids of their uploads."""
    messages = Message.objects.filter(conversation_id=reply.conversation_id, position__lt=reply.position)
    parents = dict(messages.order_by().values_list("pk", "parent_id"))
    path, at = [], reply.parent_id
    while at is not None:
        path.append(at)
        at = parents.get(at)
    shown = MessageImage.objects.filter(message_id__in=path).select_related("upload__image")
    return {row.upload_id: row.upload.image for row in shown}
