import pytest
from PIL import Image, ImageDraw, ImageFilter

from chat.demo.pictures import laplacian_variance, measure
from chat.serving.pictures import Picture, decode
from tests.chat.demo.conftest import png


def picture_of(image: Image.Image) -> Picture:
    return decode(png(image))


def checkerboard(side: int, square: int) -> Image.Image:
    board = Image.new("L", (side, side), 0)
    draw = ImageDraw.Draw(board)
    for x in range(0, side, square):
        for y in range(0, side, square):
            if (x + y) // square % 2:
                draw.rectangle((x, y, x + square - 1, y + square - 1), fill=255)
    return board


def test_a_plain_picture_has_no_contrast_and_no_sharpness():
    measured = measure(picture_of(Image.new("RGB", (300, 200), (51, 51, 51))))
    assert measured.brightness == pytest.approx(0.2)
    assert (measured.contrast, measured.sharpness) == (0, 0)


def test_half_black_half_white_is_medium_bright_with_the_greatest_contrast():
    half = Image.new("RGB", (400, 400), "white")
    ImageDraw.Draw(half).rectangle((0, 0, 199, 399), fill="black")
    measured = measure(picture_of(half))
    assert (measured.brightness, measured.contrast) == (pytest.approx(0.5), pytest.approx(0.5))


def test_the_sharpness_is_the_variance_of_the_laplacian():
    # Summed pixel by pixel, without any filter of Pillow's.
    grey = checkerboard(40, 8).point(lambda value: value // 5).filter(ImageFilter.BoxBlur(1))
    at = grey.load()
    values = [
        at[x - 1, y] + at[x + 1, y] + at[x, y - 1] + at[x, y + 1] - 4 * at[x, y]
        for x in range(1, 39)
        for y in range(1, 39)
    ]
    mean = sum(values) / len(values)
    expected = sum((value - mean) ** 2 for value in values) / len(values)
    assert expected > 1
    assert laplacian_variance(grey) == pytest.approx(expected)


def test_blurring_makes_a_picture_less_sharp():
    sharp = checkerboard(256, 16)
    values = [laplacian_variance(sharp.filter(ImageFilter.GaussianBlur(radius))) for radius in (0, 1, 3)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 10 * values[2]


def test_a_picture_of_a_few_pixels_can_be_measured():
    for size in ((1, 1), (2, 2), (3, 3), (1, 5000)):
        assert measure(picture_of(Image.new("RGB", size, "red"))).sharpness == 0
