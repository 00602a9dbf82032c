"""What of a picture in the form in which workers are sent it can be told without making it."""

from django.urls import reverse

from chat.images.preprocess import JPEG, RESIZED
from chat.models import Image, Upload

# Forms in which pictures are sent, by their name in an address; all others are the stored file.
FORMS = {"pad": "Pad", "resize": "Resize", "jpeg": JPEG}


def size_as(image: Image, form: str) -> tuple[int, int]:
    """Give width and height of a picture in a form, in pixels."""
    if form == "Pad":
        return (max(image.width, image.height),) * 2
    return RESIZED if form == "Resize" else (image.width, image.height)


def address_of(upload: Upload, form: str) -> str:
    """Give the address of a picture in the form in which it is sent."""
    for slug, each in FORMS.items():
        if each == form:
            return reverse("chat:sent_image", args=[upload.pk, slug])
    return reverse("chat:image", args=[upload.pk])
