import base64
import io

import pytest
from PIL import Image

from chat.serving import pictures
from chat.serving.pictures import PictureError, decode
from tests.chat.demo.conftest import png


def test_the_format_and_size_are_those_of_what_was_sent():
    file = io.BytesIO()
    Image.new("L", (30, 20)).save(file, "JPEG")
    picture = decode(base64.b64encode(file.getvalue()).decode())
    assert (picture.format, picture.sent_mode, picture.width, picture.height) == ("JPEG", "L", 30, 20)
    assert picture.bytes_sent == len(file.getvalue())


def test_too_many_pixels_are_refused_before_they_are_decoded(monkeypatch):
    monkeypatch.setattr(pictures, "MAX_PIXELS", 100)
    with pytest.raises(PictureError, match="101 × 1 pixels"):
        decode(png(Image.new("RGB", (101, 1))))


@pytest.mark.parametrize("text", ["", "§", "AAAA", png(Image.effect_noise((50, 50), 50))[:1000]])
def test_what_is_no_picture_is_refused(text):
    with pytest.raises(PictureError):
        decode(text)


def test_a_format_that_no_gateway_sends_is_refused():
    file = io.BytesIO()
    Image.new("RGB", (3, 3)).save(file, "PPM")
    with pytest.raises(PictureError):
        decode(base64.b64encode(file.getvalue()).decode())
