"""Logos and examples' pictures, which every visitor is served, tell nothing of where and by whom they were taken."""

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from chat.admin.host import ExamplePictureInline, SiteTextAdmin
from chat.admin.host_pictures import ExamplePictureForm, SiteTextForm

pytestmark = pytest.mark.django_db


def photo(file_format, name, told=True):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "SECRET-CAMERA"  # held upright
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.9), 27: b"SECRET-PLACE"})
    file = BytesIO()
    Image.new("RGB", (64, 48), "teal").save(file, file_format, **({"exif": exif} if told else {}))
    assert (b"SECRET-CAMERA" in file.getvalue()) == told
    return SimpleUploadedFile(name, file.getvalue())


@pytest.mark.parametrize(("form", "field"), [(ExamplePictureForm, "file"), (SiteTextForm, "logo")])
def test_a_photo_is_stored_upright_and_without_its_place(form, field):
    made = form({"title": "x"}, {field: photo("JPEG", "me.jpg")})
    made.is_valid()
    assert field not in made.errors
    data = made.cleaned_data[field].read()
    assert b"SECRET" not in data
    with Image.open(BytesIO(data)) as picture:
        assert (picture.size, picture.format, dict(picture.getexif())) == ((48, 64), "JPEG", {})


@pytest.mark.parametrize(("file_format", "name"), [("PNG", "a.png"), ("WEBP", "a.webp")])
def test_another_file_that_tells_is_refused_and_one_that_does_not_is_kept(file_format, name):
    told = ExamplePictureForm({}, {"file": photo(file_format, name)})
    assert "Save it without that." in str(told.errors["file"])
    plain = photo(file_format, name, told=False)
    kept = ExamplePictureForm({}, {"file": plain})
    kept.is_valid()
    assert kept.cleaned_data["file"] is plain


def test_the_administration_uses_these_forms():
    assert ExamplePictureInline.form is ExamplePictureForm
    assert SiteTextAdmin.form is SiteTextForm
