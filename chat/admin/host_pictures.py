"""Pictures that the host shows: every visitor is served their files, so they must tell nothing of who took them."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.translation import gettext_lazy as _

from chat.images.errors import ImageRefused
from chat.images.store import decoded
from chat.models import ExamplePicture, SiteText

# Where Pillow puts what cameras and programs write into files: place, time, device, author.
_TOLD = {"exif", "xmp", "photoshop", "XML:com.adobe.xmp", "Raw profile type exif", "Raw profile type xmp"}


def telling_nothing(file: Any) -> Any:
    """Give a form's picture without what a camera wrote into it; other fields' values as they are.

    A photo is written anew, upright. Other formats may be moving or transparent, which that would end: whoever has
    such a one is asked to save it without. Raises `ValidationError`.
    """
    picture = getattr(file, "image", None)  # only what has just been sent has one
    if picture is None or not _TOLD & set(picture.info):
        return file
    if picture.format not in ("JPEG", "MPO"):
        raise forms.ValidationError(
            _(
                "This picture's file tells where, when or with what it was made (EXIF or XMP). Save it without that."
            )
        )
    file.seek(0)
    try:
        photo = decoded(file.read()).jpeg
    except ImageRefused as refused:
        raise forms.ValidationError(str(refused.text)) from None
    return SimpleUploadedFile(file.name, photo, "image/jpeg")


class SiteTextForm(forms.ModelForm):
    class Meta:
        model = SiteText
        fields = ["logo"]

    def clean_logo(self) -> Any:
        return telling_nothing(self.cleaned_data["logo"])


class ExamplePictureForm(forms.ModelForm):
    class Meta:
        model = ExamplePicture
        fields = ["file", "description", "position"]

    def clean_file(self) -> Any:
        return telling_nothing(self.cleaned_data["file"])
