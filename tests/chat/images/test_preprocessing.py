"""Pictures as workers get them, in the four modes."""

import pytest
from PIL import Image as Picture

from chat.images.preprocess import IMAGE_MODES, original_jpeg, prepared
from chat.images.store import store_upload
from tests.chat.images.pictures import encoded, opened, patterned

PADDING = (122, 116, 104)


@pytest.fixture
def image(visitor):
    return store_upload(visitor, "", encoded(patterned())).image


def test_there_are_four_modes():
    assert IMAGE_MODES == ("Default", "Crop", "Pad", "Resize")


@pytest.mark.parametrize("mode", ["Default", "Crop"])
def test_default_and_crop_send_the_stored_file(image, mode, media):
    assert prepared(image, mode) == (media.folder / image.file.name).read_bytes()


@pytest.mark.parametrize("turned", [False, True])
def test_pad_puts_the_picture_in_the_middle_of_a_square(visitor, turned):
    picture = patterned().transpose(Picture.Transpose.ROTATE_90) if turned else patterned()
    padded = opened(prepared(store_upload(visitor, "", encoded(picture)).image, "Pad"))
    left, top = (10, 0) if turned else (0, 10)
    assert (padded.format, padded.mode, padded.size) == ("PNG", "RGB", (60, 60))
    assert padded.crop((left, top, left + picture.width, top + picture.height)).tobytes() == picture.tobytes()
    padded.paste(PADDING, (left, top, left + picture.width, top + picture.height))
    assert padded.getcolors() == [(3600, PADDING)]


def test_pad_leaves_a_square_as_it_is(visitor):
    square = patterned(50, 50)
    padded = opened(prepared(store_upload(visitor, "", encoded(square)).image, "Pad"))
    assert padded.tobytes() == square.tobytes()


def test_resize_gives_336_pixels_a_side(image):
    resized = opened(prepared(image, "Resize"))
    assert (resized.format, resized.mode, resized.size) == ("PNG", "RGB", (336, 336))
    assert resized.tobytes() == patterned().resize((336, 336)).tobytes()


def test_another_mode_is_an_error(image):
    with pytest.raises(ValueError, match="Squash"):
        prepared(image, "Squash")


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "stored before JPEGs were kept"])
def test_the_original_is_a_jpeg_of_the_same_size(image, media, kept):
    if not kept:
        (media.folder / image.jpeg.name).unlink()
        image.jpeg = ""
    jpeg = opened(original_jpeg(image))
    assert (jpeg.format, jpeg.mode, jpeg.size) == ("JPEG", "RGB", (60, 40))


def test_a_lost_file_is_an_error_of_the_system(image, media):
    for name in image.file_names:
        (media.folder / name).unlink()
    for read in (original_jpeg, lambda image: prepared(image, "Default")):
        with pytest.raises(OSError, match="No such file"):
            read(image)
